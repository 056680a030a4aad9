package provider

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"atelierd/internal/host"
	"atelierd/internal/order"
)

// memoryLimit is the size in bytes from which an answer that is a file goes to the disk.
const memoryLimit = 256 << 10

// errTooLong means that an answer is longer than its limit.
var errTooLong = errors.New("the answer is too long")

// spool is where an answer goes that is a file itself, and where the large files in an
// answer go, so that files under way take no memory. The zero value keeps everything in
// memory.
type spool struct {
	dir string
	// makeRoom is that of the call; may be nil.
	makeRoom func() bool
	// parts are the files in the last answer, by their marks.
	parts map[string]*part
}

// path returns where the part of that number is. 0 is the whole answer.
func (s *spool) path(n int) string {
	return filepath.Join(s.dir, fmt.Sprintf(".answer-%d.tmp", n))
}

// clear removes what nothing took of the last answer.
func (s *spool) clear() {
	if s.dir == "" {
		return
	}
	_ = os.Remove(s.path(0)) // most runs have none
	for _, p := range s.parts {
		_ = os.Remove(p.path) // most were moved
	}
	s.parts = nil
}

// read returns the body of an answer of at most limit bytes. If the body is a large
// file, only its beginning is returned, and file is where all of it is. Of large files
// in JSON, the body holds marks. The error is errTooLong, an *order.Failure of the disk,
// or that of the network.
func (s *spool) read(resp *http.Response, limit int64) (body []byte, file string, err error) {
	s.clear()
	r := bufio.NewReaderSize(io.LimitReader(resp.Body, limit+1), 4<<10)
	begins, _ := r.Peek(64) // its error comes again with the rest
	if s.dir == "" || resp.StatusCode != http.StatusOK || likeJSON(begins) {
		var n int64
		if s.dir != "" && likeJSON(begins) && isJSON(mediaType(resp.Header)) {
			body, n, err = s.cut(r)
		} else {
			body, err = io.ReadAll(r)
			n = int64(len(body))
		}
		if err == nil && n > limit {
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

// mediaType returns the type of an answer, or "".
func mediaType(header http.Header) string {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // an invalid one is none
	return kind
}

// isJSON reports whether a type is JSON. An answer of another type may look like JSON and
// be a file.
func isJSON(kind string) bool {
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

// notStored returns the failure of an answer that the disk does not take.
func notStored(err error) error {
	return &order.Failure{Class: order.Retry, Code: order.CodeOutputDir, Charge: order.ChargePending, Err: err}
}

// create creates a file of the spool.
func (s *spool) create(path string) (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

// write writes the beginning and the rest of an answer to the disk.
func (s *spool) write(begins []byte, rest io.Reader, limit int64) (string, error) {
	f, err := s.create(s.path(0))
	if err != nil {
		return "", notStored(err)
	}
	defer f.Close()
	to := roomy{f, s.makeRoom}
	if _, err := to.Write(begins); err != nil {
		return "", notStored(err)
	}
	source := &remembering{Reader: rest}
	n, err := io.Copy(to, source)
	switch {
	case source.err != nil:
		return "", source.err
	case err != nil:
		return "", notStored(err)
	case int64(len(begins))+n > limit:
		return "", errTooLong
	}
	if err := f.Close(); err != nil {
		return "", notStored(err)
	}
	return s.path(0), nil
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
