package runner

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// redacted pushes text in pieces that end at the given places.
func redacted(p *patterns, text string, cuts ...int) string {
	r := redactor{patterns: p}
	var out bytes.Buffer
	last := 0
	for _, cut := range append(cuts, len(text)) {
		out.Write(r.push([]byte(text[last:cut])))
		last = cut
	}
	out.Write(r.rest())
	return out.String()
}

func TestSecretsAreMaskedWhereverALogIsCut(t *testing.T) {
	p := newPatterns([]string{"hunter2", "unter", "2abc", "aaaa"})
	for text, want := range map[string]string{
		"":                                 "",
		"nothing here":                     "nothing here",
		"hunter2":                          "***",
		"a hunter2 b\n":                    "a *** b\n",
		"hunter2hunter2":                   "***",
		"hunter2 hunter2":                  "*** ***",
		"hunter2abc":                       "***", // two that overlap
		"hunte":                            "hunte",
		"hhunter":                          "hh***",
		"hunterhunter2":                    "h******", // "unter", then a whole one: both touch
		"aaaaaaa":                          "***",
		"aaa":                              "aaa",
		"xaaaay":                           "x***y",
		strings.Repeat("hunter", 3) + "2.": "h***h******.",
	} {
		want = strings.ReplaceAll(want, "******", "***")
		for first := 0; first <= len(text); first++ {
			for second := first; second <= len(text); second++ {
				if got := redacted(p, text, first, second); got != want {
					t.Fatalf("%q cut at %d and %d gives %q, want %q", text, first, second, got, want)
				}
			}
		}
	}
}

func TestEncodedSecretsAreMasked(t *testing.T) {
	secret := "p/ä+s=w\"o&r<d>\x7f 9"
	p := newPatterns([]string{secret})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{"plain": secret, "json": string(quoted), "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"lower": lowerEscapes(url.QueryEscape(secret)), "hex": fmt.Sprintf("%x", secret), "HEX": fmt.Sprintf("%X", secret)}
	for _, before := range []string{"", "u", "us", "usr", "user:"} {
		for _, after := range []string{"", "@", "@h", "@ho"} {
			text := []byte(before + secret + after)
			forms["std "+before+after] = base64.StdEncoding.EncodeToString(text)
			forms["url "+before+after] = base64.URLEncoding.EncodeToString(text)
		}
	}
	for name, form := range forms {
		got := redacted(p, "see "+form+" there")
		if !strings.Contains(got, mask) || len(got) > len("see *** there")+16 {
			t.Errorf("%s: %q gives %q", name, form, got)
		}
	}
}

func TestEveryLineOfASecretIsMasked(t *testing.T) {
	p := newPatterns([]string{"-----BEGIN KEY-----\nMIIEvQIBADAN\nab\nBgkqhkiG9w0B\n-----END KEY-----"})
	got := redacted(p, "  MIIEvQIBADAN\r\n  BgkqhkiG9w0B\r\nab\n")
	if want := "  ***\r\n  ***\r\nab\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestMaskedLikeReplacing compares with the plain way, which needs the whole text.
func TestMaskedLikeReplacing(t *testing.T) {
	seed := rand.Int63()
	random := rand.New(rand.NewSource(seed))
	letters := func(n int) string {
		text := make([]byte, n)
		for i := range text {
			text[i] = "abc\n"[random.Intn(4)]
		}
		return string(text)
	}
	for range 500 {
		secrets := []string{letters(4 + random.Intn(4)), letters(4 + random.Intn(4))}
		p := &patterns{nodes: make([]patternNode, 1)}
		for _, secret := range secrets {
			p.add(secret)
		}
		p.link()
		text := letters(200)
		covered := make([]bool, len(text)+1)
		for _, secret := range secrets {
			for i := range text {
				if strings.HasPrefix(text[i:], secret) {
					for j := range secret {
						covered[i+j] = true
					}
				}
			}
		}
		var want strings.Builder
		for i := range text {
			if !covered[i] {
				want.WriteByte(text[i])
			} else if i == 0 || !covered[i-1] {
				want.WriteString(mask)
			}
		}
		cut := random.Intn(len(text))
		if got := redacted(p, text, cut); got != want.String() {
			t.Fatalf("seed %d: %q without %q, cut at %d, gives\n%q, want\n%q", seed, text, secrets, cut, got, want.String())
		}
	}
}

func TestALogNeverHoldsASecret(t *testing.T) {
	dir := t.TempDir()
	s, err := openStream(dir, commandLog)
	if err != nil {
		t.Fatal(err)
	}
	s.hide(newPatterns([]string{"hunter2"}))
	fmt.Fprint(s, "the password is hun")
	if s.size.Load() != int64(len("the password is ")) {
		t.Errorf("%d bytes were written of a line that may end in a secret", s.size.Load())
	}
	fmt.Fprint(s, "ter2, and this is hunt")
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, commandLog))
	if want := "the password is ***, and this is hunt"; err != nil || string(text) != want || s.size.Load() != int64(len(want)) {
		t.Errorf("the log is %q, %v; %d bytes", text, err, s.size.Load())
	}
}

// What a shell prints is masked as logs are, however it comes; what may be the
// beginning of a secret, and is none, is shown when nothing follows.
func TestAShellDoesNotShowSecrets(t *testing.T) {
	d := &door{r: &runner{}, place: &place{code: t.TempDir(), relay: &relay{}}}
	d.r.log = slog.New(slog.DiscardHandler)
	d.r.secrets = map[string]string{"door": "hunter2-and-more"}
	d.r.patterns.Store(newPatterns([]string{"hunter2-and-more"}))
	d.r.task.EnvironmentVariables = map[string]string{"PASSWORD": "${{secrets.door}}"}
	server := httptest.NewServer(http.HandlerFunc(d.shell))
	defer server.Close()
	talk := func(command string, keys ...string) (said string) {
		t.Helper()
		conn, _, err := websocket.Dial(t.Context(), server.URL+"?command="+url.QueryEscape(command), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(t.Context())
			if err != nil || kind == websocket.MessageText {
				return said
			}
			said += string(message)
			if len(keys) > 0 && strings.HasSuffix(said, keys[0]) {
				if err := conn.Write(t.Context(), websocket.MessageBinary, []byte(keys[1])); err != nil {
					t.Fatal(err)
				}
				keys = keys[2:]
			}
		}
	}
	for command, want := range map[string]string{
		`echo "it is $PASSWORD."`:                           "it is ***.\r\n",
		`printf %s "$PASSWORD" | base64`:                    "***",
		`printf 'hunter2-and'`:                              "hunter2-and",
		`printf %s "$PASSWORD"; printf '\377\000 \303\244'`: "***\xff\x00 ä",
	} {
		if said := talk(command); !strings.HasPrefix(said, want) || strings.Contains(said, "hunter2-and-more") {
			t.Errorf("%s shows %q, want %q", command, said, want)
		}
	}
	// When the pieces come apart, the first is shown, and never the last.
	if said := talk(`stty -echo -icanon; printf 'it is hunter2-'; head -c 1 >/dev/null; printf 'and-more.'`, "it is hunter2-", "x"); said != "it is hunter2-***." {
		t.Errorf("a secret in pieces shows %q", said)
	}
	// The one who types sees what was typed, and the shell goes on.
	if said := talk(`stty -echo; printf 'hunter'; read word; echo "got $word"`, "hunter", "this\n"); said != "huntergot this\r\n" {
		t.Errorf("a question that begins like a secret shows %q", said)
	}
}

func TestWhatIsHeldIsShownWhenNothingFollows(t *testing.T) {
	r := redactor{patterns: newPatterns([]string{"hunter2", "hunter2-and-more"})}
	var got []string
	for _, piece := range []string{"a hunt", "er2-and", "-more b hun", "t", "ing"} {
		got = append(got, string(r.push([]byte(piece)))+"|"+string(r.pause()))
	}
	if want := []string{"a |hunt", "|***-and", "*** b |hun", "|t", "ing|"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func BenchmarkRedact(b *testing.B) {
	p := newPatterns([]string{"hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789", strings.Repeat("MIIEvQIBADANBgkqhkiG9w0B\n", 60)})
	line := []byte(strings.Repeat("epoch 17 step 1200 loss 0.1234 accuracy 0.9876 lr 3e-4\n", 1000))
	r := redactor{patterns: p}
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		r.push(line)
	}
}
