package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/atelier-ml/atelier"
)

// confirm asks before something is lost. Where nobody can answer, only --yes will do.
func (c *command) confirm(yes bool, question string, args ...any) error {
	if yes {
		return nil
	}
	if !c.st.StdinTerminal {
		return atelier.Errorf(atelier.Invalid, "This deletes for good and nobody is here to confirm.").WithHint("Add --yes.")
	}
	fmt.Fprintf(c.st.Stderr, question+" [y/N] ", args...)
	answer, _ := bufio.NewReader(c.st.Stdin).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
		return nil
	}
	return atelier.Errorf(atelier.Invalid, "Nothing was deleted.")
}
