package provider

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"atelierd/internal/host"
	"atelierd/internal/order"
)

// memoryLimit is the size in bytes from which an answer that is a file goes to the disk.
const memoryLimit = 256 << 10

// errTooLong means that an answer is longer than its limit.
var errTooLong = errors.New("the answer is too long")

// spool is where an answer goes that is a file itself, so that files under way take no
// memory. The zero value keeps everything in memory.
type spool struct {
	dir string
	// makeRoom is that of the call; may be nil.
	makeRoom func() bool
}

func (s spool) path() string { return filepath.Join(s.dir, ".answer.tmp") }

// clear removes an answer that nothing took.
func (s spool) clear() {
	if s.dir != "" {
		_ = os.Remove(s.path()) // most runs have none
	}
}

// read returns the body of an answer of at most limit bytes. If the body is a large
// file, only its beginning is returned, and file is where all of it is. The error is
// errTooLong, an *order.Failure of the disk, or that of the network.
func (s spool) read(resp *http.Response, limit int64) (body []byte, file string, err error) {
	r := bufio.NewReaderSize(io.LimitReader(resp.Body, limit+1), 4<<10)
	begins, _ := r.Peek(64) // its error comes again with the rest
	if s.dir == "" || resp.StatusCode != http.StatusOK || likeJSON(begins) {
		body, err = io.ReadAll(r)
		if err == nil && int64(len(body)) > limit {
			err = errTooLong
		}
		return body, "", err
	}
	body, err = io.ReadAll(io.LimitReader(r, memoryLimit))
	if err != nil || len(body) < memoryLimit {
		return body, "", err
	}
	file, err = s.write(body, r, limit)
	return body, file, err
}

// write writes the beginning and the rest of an answer to the disk.
func (s spool) write(begins []byte, rest io.Reader, limit int64) (string, error) {
	broken := func(err error) error {
		return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", broken(err)
	}
	f, err := os.OpenFile(s.path(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", broken(err)
	}
	defer f.Close()
	to := roomy{f, s.makeRoom}
	if _, err := to.Write(begins); err != nil {
		return "", broken(err)
	}
	source := &remembering{Reader: rest}
	n, err := io.Copy(to, source)
	switch {
	case source.err != nil:
		return "", source.err
	case err != nil:
		return "", broken(err)
	case int64(len(begins))+n > limit:
		return "", errTooLong
	}
	if err := f.Close(); err != nil {
		return "", broken(err)
	}
	return s.path(), nil
}

// roomy writes to the disk. When that is full, it makes room and writes the rest: an
// answer comes only once.
type roomy struct {
	io.Writer
	makeRoom func() bool
}

func (w roomy) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if host.Lacks(err) == host.Room && w.makeRoom != nil && w.makeRoom() {
		var more int
		more, err = w.Writer.Write(p[n:])
		n += more
	}
	return n, err
}

// remembering separates an error of the network from one of the disk.
type remembering struct {
	io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// likeJSON reports whether a text begins like an object or a list.
func likeJSON(begins []byte) bool {
	text := bytes.TrimLeft(bytes.TrimPrefix(begins, []byte("\ufeff")), " \t\r\n")
	return bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("["))
}
