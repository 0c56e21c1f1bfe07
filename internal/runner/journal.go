package runner

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/atelier-ml/atelier/internal/compute"
)

// journal is the list of records of a task, on disk. Each is stored as
//
//	length (4 bytes, big endian) | CRC-32C of the content (4 bytes) | content (JSON)
//
// A runner that dies may leave a torn record at the end. The next one cuts it
// off: it was never sent, because only what append has stored is sent.
type journal struct {
	mu      sync.Mutex
	file    *os.File
	records []compute.Record
	changed chan struct{} // receives after an append
}

// maxRecord bounds a record, so that a corrupt length cannot ask for all memory.
const maxRecord = 16 << 20

func crc(content []byte) uint32 { return crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)) }

func openJournal(path string) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	records, good, err := readRecords(bufio.NewReader(file))
	if err == nil {
		err = file.Truncate(good)
	}
	if err == nil {
		_, err = file.Seek(good, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the journal: %w", err), file.Close())
	}
	return &journal{file: file, records: records, changed: make(chan struct{}, 1)}, nil
}

// readRecords returns the whole records and how many bytes they take. It stops
// at the first that is torn, corrupt or out of order.
func readRecords(r io.Reader) (records []compute.Record, good int64, err error) {
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return records, good, tornIsEnd(err)
		}
		length := binary.BigEndian.Uint32(head[:4])
		if length > maxRecord {
			return records, good, nil
		}
		content := make([]byte, length)
		if _, err := io.ReadFull(r, content); err != nil {
			return records, good, tornIsEnd(err)
		}
		var record compute.Record
		if crc(content) != binary.BigEndian.Uint32(head[4:]) || json.Unmarshal(content, &record) != nil ||
			record.Seq != int64(len(records)+1) {
			return records, good, nil
		}
		records = append(records, record)
		good += int64(len(head)) + int64(length)
	}
}

func tornIsEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
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
		var head [8]byte
		binary.BigEndian.PutUint32(head[:4], uint32(len(content)))
		binary.BigEndian.PutUint32(head[4:], crc(content))
		buffer.Write(head[:])
		buffer.Write(content)
	}
	if _, err := j.file.Write(buffer.Bytes()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
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

// over reports whether the last record is there.
func (j *journal) over() bool {
	records := j.after(0)
	return len(records) > 0 && records[len(records)-1].Type == compute.ExitRecord
}

func (j *journal) close() error { return j.file.Close() }
