package tracking

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const adjectives = `able amber ample apt bold brave bright brisk calm candid careful casual cheerful clever crisp
	curious dapper daring deft eager earnest fair fancy fine fond frank gentle glad golden grand hardy hearty honest
	humble jolly keen kind likeable lively loud lucky melodic mellow merry modest neat nimble noble nosy patient placid
	polite proud quick quiet rare righteous secret selective serious shy silent sincere skilful smooth sneaky solid
	spry stately steady stylish sunny swift tasteful thoughtful tidy trusting upbeat valiant vivid warm welcoming
	wistful witty worthy youthful zealous`

const nouns = `ant ape bass bat bear bee bird boar bug calf carp cat chimp cod colt conch cow crab crane croc crow cub
	deer doe dog dolphin donkey dove duck eel elk fawn finch fish flea fly foal fowl fox frog gnat goat goose grouse
	grub gull hare hawk hen heron hog horse hound jay kite kit koi lamb lark loon lynx mare mink mole moose moth mouse
	mule newt owl ox panda perch pig pug quail ram rat ray robin roo rook seal shad shark sheep shoat shrew shrike
	shrimp skink skunk sloth slug snail snake snipe sow squid squirrel stag steed stoat stork swan tern toad trout
	turtle vole wasp whale wolf worm wren yak zebra`

// newName makes up a name that people can tell apart and say: "calm-heron-412".
func newName() string {
	pick := func(words string) string {
		list := strings.Fields(words)
		return list[rand.IntN(len(list))]
	}
	return fmt.Sprintf("%s-%s-%d", pick(adjectives), pick(nouns), rand.IntN(1000))
}
