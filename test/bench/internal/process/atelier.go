package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// StartAtelier runs the program over a folder, which it keeps its data and its
// owner's credentials in, and returns once the server has answered.
func StartAtelier(ctx context.Context, bin, folder string) (*Server, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	s := &Server{Data: filepath.Join(folder, "data")}
	config := filepath.Join(folder, "config")
	command := exec.Command(bin, "up", "--port", "0", "--data-dir", s.Data, "--log-level", "error")
	command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+config)
	command.Stderr = os.Stderr
	output, words, err := os.Pipe() // not StdoutPipe, which must not be read while waiting
	if err != nil {
		return nil, err
	}
	command.Stdout = words
	err = s.run(command, func() error {
		words.Close()
		lines := bufio.NewScanner(output)
		if !lines.Scan() {
			return errors.New("the server said nothing")
		}
		s.URL = lines.Text()[strings.LastIndex(lines.Text(), " ")+1:]
		go func() {
			io.Copy(io.Discard, output)
			output.Close()
		}()
		return s.untilHealthy(ctx, "/api/v1/server")
	})
	if err != nil {
		return nil, err
	}
	return s, s.readToken(filepath.Join(config, "atelier", "credentials.json"))
}

// readToken takes the token that the first start made, whatever its address was.
func (s *Server) readToken(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	tokens := map[string]string{}
	if err := json.Unmarshal(text, &tokens); err != nil {
		return err
	}
	for _, token := range tokens {
		s.Token = token
	}
	if s.Token == "" {
		return errors.New("the server made no token")
	}
	return nil
}
