package runner

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/atelier-ml/atelier/internal/compute"
)

// journal is the list of records of a task, on disk, each in a frame. A runner
// that dies may leave a torn one at the end. The next one cuts it off: it was
// never sent, because only what append has stored is sent.
type journal struct {
	mu      sync.Mutex
	file    *os.File
	good    int64 // how much of the file the records take
	records []compute.Record
	changed chan struct{} // receives after an append
}

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	records, good, err := readRecords(bufio.NewReader(file))
	if err == nil {
		err = file.Truncate(good)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal: %w", err), file.Close())
	}
	return &journal{file: file, good: good, records: records, changed: make(chan struct{}, 1)}, nil
}

// readRecords returns the whole records and how many bytes they take. It stops
// at the first that is torn, corrupt or out of order.
func readRecords(r io.Reader) (records []compute.Record, good int64, err error) {
	good, err = readFrames(r, func(content []byte) bool {
		var record compute.Record
		if json.Unmarshal(content, &record) != nil || record.Seq != int64(len(records)+1) {
			return false
		}
		records = append(records, record)
		return true
	})
	return records, good, err
}

// append numbers and dates the records and stores them durably, all in one
// write: a command that was noted as running is never started twice, not even
// after a power cut.
func (j *journal) append(records ...compute.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var buffer bytes.Buffer
	for i := range records {
		records[i].Seq, records[i].At = int64(len(j.records)+i+1), now()
		content, err := json.Marshal(records[i])
		if err != nil {
			return err
		}
		buffer.Write(frame(content))
	}
	_, err := j.file.WriteAt(buffer.Bytes(), j.good)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		// What a full disk left half written would hide all that comes after it.
		return errors.Join(fmt.Errorf("write the journal: %w", err), j.file.Truncate(j.good))
	}
	j.good += int64(buffer.Len())
	j.records = append(j.records, records...)
	select {
	case j.changed <- struct{}{}:
	default:
	}
	return nil
}

// after returns the records whose number is greater than seq.
func (j *journal) after(seq int64) []compute.Record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.records[min(max(seq, 0), int64(len(j.records))):]
}

// reached reports whether the task ever came to status.
func (j *journal) reached(status string) bool {
	for _, record := range j.after(0) {
		if record.Type == compute.StatusRecord && record.Status == status {
			return true
		}
	}
	return false
}

// commandEnd is how the command ended, if that was noted: what remains is to keep
// what it made.
func (j *journal) commandEnd() (end outcome, noted bool) {
	for _, record := range j.after(0) {
		if record.Status == compute.StatusFinalizing && (record.ExitCode != nil || record.Error != nil || record.Canceled) {
			return outcome{exitCode: record.ExitCode, ranks: record.Ranks, failure: record.Error, canceled: record.Canceled}, true
		}
	}
	return end, false
}

// over reports whether the last record is there.
func (j *journal) over() bool {
	records := j.after(0)
	return len(records) > 0 && records[len(records)-1].Type == compute.ExitRecord
}

func (j *journal) close() error { return j.file.Close() }
