package datastore

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-ml/atelier"
)

// remote reads a file of a service from wherever it was told to. It asks for
// bytes when the first is read and reads on from the same answer, so that to seek
// costs nothing and nothing is held in memory.
type remote struct {
	ask    func(offset int64) (io.ReadCloser, error)
	size   int64
	offset int64
	body   io.ReadCloser // the answer that goes on at offset, or nil
}

func (r *remote) Read(p []byte) (int, error) {
	if r.offset >= r.size {
		return 0, io.EOF
	}
	if r.body == nil {
		body, err := r.ask(r.offset)
		if err != nil {
			return 0, err
		}
		r.body = body
	}
	n, err := r.body.Read(p)
	r.offset += int64(n)
	if err != nil && r.offset >= r.size {
		return n, nil // the end is reported by the next call
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *remote) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return r.offset, fmt.Errorf("datastore: seek to %d, before the beginning", offset)
	}
	if offset == r.offset {
		return offset, nil
	}
	r.offset = offset
	return offset, r.Close()
}

// Close ends the answer under way.
func (r *remote) Close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.body = nil
	return err
}

// transport returns the way to a service. Unless an owner of the server named it,
// a service may not lie in the server's own network: the addresses are looked at
// when they are dialed, so that a name cannot mean one thing first and another
// later.
func transport(trusted bool) *http.Transport {
	way := http.DefaultTransport.(*http.Transport).Clone()
	way.ResponseHeaderTimeout = time.Minute
	if !trusted {
		dialer := &net.Dialer{Timeout: patience, Control: refuseOwnNetwork}
		way.DialContext, way.Proxy = dialer.DialContext, nil
	}
	return way
}

var errOwnNetwork = atelier.Errorf(atelier.Forbidden, "The service lies in the server's own network.").At("endpoint").
	WithHint("An owner of the server can make this datastore.")

// shared is the range of addresses that providers use inside their networks.
var shared = netip.MustParsePrefix("100.64.0.0/10")

func refuseOwnNetwork(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || shared.Contains(ip) {
		return errOwnNetwork
	}
	return nil
}

// unreachable says why a service did not do what it was asked. Addresses may hold
// a token, so the errors of requests are never repeated whole.
func unreachable(name string, err error) error {
	var known *atelier.Error
	if errors.As(err, &known) {
		return known
	}
	if inner := (*url.Error)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return atelier.Errorf(atelier.Unavailable, "The datastore %s cannot be reached: %s.", name, atelier.Clip(strings.TrimRight(err.Error(), "."), 200)).
		WithHint("Check where it lies, and that the service runs.")
}

// refusedBy says that a service does not take the credentials.
func refusedBy(name, code string) error {
	return atelier.Errorf(atelier.Precondition, "The service refuses the credentials of the datastore %s: %s.", name, code).At("credentials").
		WithHint("Give others with `atelier datastore update`.")
}
