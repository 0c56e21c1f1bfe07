package runner

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// What the runner keeps on disk before it does anything else is a row of frames:
//
//	length (4 bytes, big endian) | CRC-32C of the content (4 bytes) | content (JSON)

const (
	frameHead = 8
	// maxFrame bounds a content, so that a corrupt length cannot ask for all memory.
	maxFrame = 16 << 20
)

func crc(content []byte) uint32 { return crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)) }

func frame(content []byte) []byte {
	framed := make([]byte, frameHead, frameHead+len(content))
	binary.BigEndian.PutUint32(framed[:4], uint32(len(content)))
	binary.BigEndian.PutUint32(framed[4:], crc(content))
	return append(framed, content...)
}

// readFrames calls accept with the content of each whole frame, and returns how
// many bytes they take. It stops at the first that is torn or corrupt, or that
// accept does not accept.
func readFrames(r io.Reader, accept func(content []byte) bool) (good int64, err error) {
	for {
		var head [frameHead]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return good, tornIsEnd(err)
		}
		length := binary.BigEndian.Uint32(head[:4])
		if length > maxFrame {
			return good, nil
		}
		content := make([]byte, length)
		if _, err := io.ReadFull(r, content); err != nil {
			return good, tornIsEnd(err)
		}
		if crc(content) != binary.BigEndian.Uint32(head[4:]) || !accept(content) {
			return good, nil
		}
		good += frameHead + int64(length)
	}
}

func tornIsEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
