package process

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc, the same on every Linux.
const tick = 10 * time.Millisecond

// Usage is what a server and all its children use.
type Usage struct {
	Memory    int64         // resident bytes; what processes share counts once for each
	Processor time.Duration // since the start, with children that have ended
}

// Usage reads what the server uses now.
func (s *Server) Usage() Usage {
	children := map[int][]int{}
	stats := map[int]stat{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		if parsed, ok := parseStat(string(text)); ok {
			stats[pid] = parsed
			children[parsed.parent] = append(children[parsed.parent], pid)
		}
	}
	var sum Usage
	for tree := []int{s.leader.Pid}; len(tree) > 0; tree = tree[1:] {
		one := stats[tree[0]]
		sum.Memory += one.pages * int64(os.Getpagesize())
		sum.Processor += one.processor
		tree = append(tree, children[tree[0]]...)
	}
	return sum
}

// stat is what is of interest in /proc/PID/stat.
type stat struct {
	parent    int
	processor time.Duration
	pages     int64
}

// parseStat reads the fields behind the name, which may hold anything.
func parseStat(text string) (stat, bool) {
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) < 22 {
		return stat{}, false
	}
	number := func(i int) int64 { // i counts as in proc(5)
		n, _ := strconv.ParseInt(fields[i-3], 10, 64)
		return n
	}
	ticks := number(14) + number(15) + number(16) + number(17)
	return stat{parent: int(number(4)), processor: time.Duration(ticks) * tick, pages: number(24)}, true
}

// MachineProcessor is how long all processors of the machine have worked.
func MachineProcessor() time.Duration {
	text, _ := os.ReadFile("/proc/stat")
	var user, nice, system, idle, wait, interrupts, soft, stolen int64
	fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &interrupts, &soft, &stolen)
	return time.Duration(user+nice+system+interrupts+soft+stolen) * tick
}

// FolderSize is the number of bytes in the files of a folder.
func FolderSize(folder string) (int64, error) {
	sum := int64(0)
	err := filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}
