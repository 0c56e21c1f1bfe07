// Command profile measures what a profile of a large CSV file costs: it writes the
// file, or takes it as it is, and prints the time and the greatest memory.
//
//	profile FILE GIGABYTES
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier/internal/data/profile"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, gigabytes string) error {
	size, err := strconv.ParseFloat(gigabytes, 64)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return write(file, int64(size*1e9))
	}
	begin := time.Now()
	source := profile.Source{Name: file, Open: func() (io.ReadSeekCloser, int64, error) {
		content, err := os.Open(file)
		return content, 0, err
	}}
	p, err := profile.Read(context.Background(), []profile.Source{source}, profile.CSV, profile.View{})
	if err != nil {
		return err
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	fmt.Printf("atelier  %8.2f s  %6d MB  %d rows, %d columns\n", time.Since(begin).Seconds(), usage.Maxrss/1024, p.Rows, len(p.Columns))
	return nil
}

// write makes a table as people have them: ids, times, numbers, words, gaps.
func write(file string, size int64) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	random := rand.New(rand.NewSource(1))
	cities := []string{"Aachen", "Berlin", "Busan", "Daejeon", "Seoul", "\"Paris, TX\"", ""}
	n, _ := fmt.Fprintln(w, "id,at,price,amount,city,flag,note,score")
	for id, written := 0, int64(n); written < size; id++ {
		n, _ := fmt.Fprintf(w, "%d,%s,%.2f,%d,%s,%t,note number %d,%g\n", id, time.Unix(int64(1.7e9)+int64(id), 0).UTC().Format(time.DateTime),
			random.ExpFloat64()*100, random.Intn(50), cities[random.Intn(len(cities))], random.Intn(2) == 0, random.Intn(1e6), random.NormFloat64())
		written += int64(n)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return out.Close()
}
