package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
)

// object reads an object of the bucket from wherever it was told to. It asks for
// bytes when the first is read and reads on from the same answer, so that to
// seek costs nothing and nothing is held in memory.
type object struct {
	ctx    context.Context
	store  *Store
	key    string
	size   int64
	offset int64
	body   io.ReadCloser // the answer that goes on at offset, or nil
}

func (o *object) Read(p []byte) (int, error) {
	if o.offset >= o.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if o.body == nil {
		if err := o.ask(); err != nil {
			return 0, err
		}
	}
	n, err := o.body.Read(p)
	o.offset += int64(n)
	switch {
	case err == nil || o.offset >= o.size:
		return n, nil // the end is reported by the next call
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return n, o.store.failure(err)
}

// ask begins an answer at the offset.
func (o *object) ask() error {
	options := minio.GetObjectOptions{}
	if o.offset > 0 {
		if err := options.SetRange(o.offset, 0); err != nil {
			return err
		}
	}
	body, _, _, err := minio.Core{Client: o.store.client}.GetObject(o.ctx, o.store.address.Bucket, o.key, options)
	if err != nil {
		return o.store.failure(err)
	}
	o.body = body
	return nil
}

func (o *object) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += o.offset
	case io.SeekEnd:
		offset += o.size
	}
	if offset < 0 {
		return o.offset, fmt.Errorf("s3: seek to %d, before the beginning", offset)
	}
	if offset != o.offset {
		o.offset = offset
		return offset, o.Close()
	}
	return offset, nil
}

// Close ends the answer under way. The object could be read again.
func (o *object) Close() error {
	if o.body == nil {
		return nil
	}
	err := o.body.Close()
	o.body = nil
	return err
}
