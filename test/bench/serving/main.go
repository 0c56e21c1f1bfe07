// Command serving measures the same small scikit-learn model behind Atelier and
// behind the servers that it is compared with, one after another in the same
// run: requests in a second, and how long they take, with 1, 16 and 64 callers.
//
//	go run ./test/bench/serving [-bin bin/atelier] [-peers FOLDER] [-seconds 5]
//
// FOLDER holds a Python environment for each peer; scripts/serving-peers makes it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-ml/atelier/test/bench/internal/timing"
)

func main() {
	bin := flag.String("bin", "bin/atelier", "the program to measure")
	peers := flag.String("peers", ".cache/serving-peers", "where the peers' environments are; those that are not there are left out")
	only := flag.String("only", "", "the servers to measure, with commas between them; all when empty")
	seconds := flag.Float64("seconds", 5, "how long each measurement takes")
	cold := flag.Bool("cold", false, "measure only how long the first request to a deployment takes that sleeps")
	flag.Parse()
	if *cold {
		if err := asleep(*bin, *peers).cold(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "serving:", err)
			os.Exit(1)
		}
		return
	}
	if err := measure(*bin, *peers, *only, time.Duration(*seconds*float64(time.Second))); err != nil {
		fmt.Fprintln(os.Stderr, "serving:", err)
		os.Exit(1)
	}
}

// served is a model that answers.
type served struct {
	url, body string
	header    http.Header
	stop      func()
	ended     <-chan struct{} // closed when it has ended by itself
	cold      time.Duration   // from its start to its first answer
}

func measure(bin, peers, only string, long time.Duration) error {
	fmt.Println("without any server:")
	if err := limit(peers, long); err != nil {
		return err
	}
	fmt.Printf("%-28s %7s %12s %10s %10s %8s\n", "server", "callers", "requests/s", "median", "p99", "failed")
	for _, c := range contestants(bin, peers) {
		if only != "" && !slices.Contains(strings.Split(only, ","), c.name) {
			continue
		}
		if c.missing() {
			fmt.Printf("%-28s is not installed\n", c.name)
			continue
		}
		if err := c.measure(long); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// limit prints what the model needs by itself, which no server can be faster than.
func limit(peers string, long time.Duration) error {
	command := exec.Command(filepath.Join(peers, "azure", "bin", "python"), filepath.Join(here(), "train.py"), "limit", fmt.Sprint(long.Seconds()))
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

func (c contestant) measure(long time.Duration) error {
	dir, err := os.MkdirTemp("", "atelier-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := c.start(context.Background(), dir)
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := s.load(4, time.Second); err != nil {
		return err
	}
	for _, callers := range []int{1, 16, 64} {
		got, err := s.load(callers, long)
		if err != nil {
			return err
		}
		fmt.Printf("%-28s %7d %12.0f %7.2f ms %7.2f ms %8d\n", c.name, callers, float64(len(got.times))/long.Seconds(),
			timing.Milliseconds(got.times.At(50)), timing.Milliseconds(got.times.At(99)), got.failed)
	}
	fmt.Printf("%-28s first answer after %.2f s\n", c.name, s.cold.Seconds())
	return nil
}

// result is what came of a load.
type result struct {
	times  timing.Times
	failed int
}

// load has callers ask for some time, each one question after another on a
// connection of its own.
func (s *served) load(callers int, long time.Duration) (result, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	times, failed := make([][]time.Duration, callers), make([]int, callers)
	var problem error
	var once sync.Once
	var group sync.WaitGroup
	end := time.Now().Add(long)
	for i := range callers {
		group.Go(func() {
			for time.Now().Before(end) {
				began := time.Now()
				if err := s.ask(client); err != nil {
					failed[i]++
					once.Do(func() { problem = err })
					continue
				}
				times[i] = append(times[i], time.Since(began))
			}
		})
	}
	group.Wait()
	got := result{times: timing.Sorted(times...)}
	for _, n := range failed {
		got.failed += n
	}
	if len(got.times) == 0 {
		return got, problem
	}
	return got, nil
}

func (s *served) ask(client *http.Client) error {
	request, err := http.NewRequest("POST", s.url, bytes.NewReader([]byte(s.body)))
	if err != nil {
		return err
	}
	request.Header = s.header.Clone()
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %.200s", answer.Status, text)
	}
	return err
}

// firstAnswer asks until there is an answer.
func (s *served) firstAnswer(ctx context.Context, began time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := s.ask(http.DefaultClient)
		if err == nil {
			s.cold = time.Since(began)
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("it ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("it never answered: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
