package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// File is an uploaded file.
type File struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Name        string    `json:"name"` // safe in a URL
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	At          time.Time `json:"at"`
	// Path is the file on disk. It is empty without an UploadDir.
	Path string `json:"path,omitempty"`
}

type file struct {
	File
	head head
}

var errTooLarge = errors.New("the file is too large")

// head keeps the first 512 bytes of what is written to it.
type head []byte

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), 512-len(*h))]...)
	return len(p), nil
}

// receive reads an upload into a temporary file, or only hashes it without an
// UploadDir. An error of the disk is a *fs.PathError. After an error the file is
// removed.
func (s *Server) receive(from io.Reader, kind, name string) (*file, error) {
	f := &file{File: File{ContentType: kind, Name: safeName(name, kind)}}
	if s.opts.UploadDir == "" {
		return f, s.copyUpload(f, from, io.Discard)
	}
	if err := os.MkdirAll(s.opts.UploadDir, 0o700); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(s.opts.UploadDir, ".upload-*")
	if err != nil {
		return nil, err
	}
	f.Path = temp.Name()
	err = s.copyUpload(f, from, temp)
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		f.drop()
		return nil, err
	}
	return f, nil
}

// copyUpload copies at most MaxUpload bytes and sets the size and the hash.
func (s *Server) copyUpload(f *file, from io.Reader, into io.Writer) error {
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(into, hash, &f.head), io.LimitReader(from, s.opts.MaxUpload+1))
	switch {
	case err != nil:
		return err
	case size > s.opts.MaxUpload:
		return errTooLarge
	}
	f.Size, f.SHA256 = size, hex.EncodeToString(hash.Sum(nil))
	return nil
}

func (f *file) drop() {
	if f.Path != "" {
		_ = os.Remove(f.Path)
	}
}

// storeFile gives a received file its id, path and URL. No part of the path on disk
// comes from the client.
func (s *Server) storeFile(in *input) error {
	f := in.file
	f.ID, f.At = s.id("file", in.now), in.now
	if f.Path != "" {
		path := filepath.Join(s.opts.UploadDir, f.ID+mediaTypes()[f.ContentType])
		if err := os.Rename(f.Path, path); err != nil {
			f.drop()
			return err
		}
		f.Path = path
	}
	base := s.opts.PublicURL
	if base == "" {
		base = "http://" + in.r.Host
		if in.r.TLS != nil {
			base = "https://" + in.r.Host
		}
	}
	f.URL = base + "/files/" + f.ID + "/" + f.Name
	s.files[f.ID] = f
	s.uploads = append(s.uploads, f)
	return nil
}

// safeName returns the safe characters of a foreign file name, with the extension of
// its type.
func safeName(name, kind string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, strings.TrimSuffix(name, filepath.Ext(name)))
	name = strings.Trim(name[:min(len(name), 60)], "-")
	return orDefault(name, "file") + mediaTypes()[kind]
}

// serveFile serves an uploaded file, like the marketplace's CDN. The file is foreign,
// so a browser must neither guess its type nor run it.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	s.lock()
	f := s.files[r.PathValue("file")]
	s.mu.Unlock()
	if f == nil || f.Path == "" || f.Name != r.PathValue("name") {
		refuse(http.StatusNotFound, "File not found").write(w)
		return
	}
	from, err := os.Open(f.Path)
	if err != nil {
		refuse(http.StatusNotFound, "File not found").write(w)
		return
	}
	defer from.Close()
	w.Header().Set("Content-Type", f.ContentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox")
	http.ServeContent(w, r, "", f.At, from)
}

// Files returns all uploaded files, oldest first.
func (s *Server) Files() []File {
	s.lock()
	defer s.mu.Unlock()
	list := make([]File, 0, len(s.uploads))
	for _, f := range s.uploads {
		list = append(list, f.File)
	}
	return list
}
