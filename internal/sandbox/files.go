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
	Name        string    `json:"name"` // made harmless
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	At          time.Time `json:"at"`
	// Path is where the bytes are; empty without an UploadDir.
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

// takeIn reads an upload to its end: into a temporary file, or, without an
// UploadDir, only through the hash. A failing disk shows as *fs.PathError; what
// was written is gone after any error.
func (s *Server) takeIn(from io.Reader, kind, name string) (*file, error) {
	f := &file{File: File{ContentType: kind, Name: safeName(name, kind)}}
	if s.opts.UploadDir == "" {
		return f, s.drain(f, from, io.Discard)
	}
	if err := os.MkdirAll(s.opts.UploadDir, 0o700); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(s.opts.UploadDir, ".upload-*")
	if err != nil {
		return nil, err
	}
	f.Path = temp.Name()
	err = s.drain(f, from, temp)
	if closed := temp.Close(); err == nil {
		err = closed
	}
	if err != nil {
		f.drop()
		return nil, err
	}
	return f, nil
}

// drain copies at most the largest size, and measures on the way.
func (s *Server) drain(f *file, from io.Reader, into io.Writer) error {
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

// keep gives a file that was taken in its name and address. The path on disk is
// made of the sandbox's own words only.
func (s *Server) keep(in *input) error {
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

// safeName keeps of a foreign file name what is harmless in a URL, and gives it
// the ending of its type.
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

// serveFile shows an uploaded file as the marketplace's CDN does. It comes from
// strangers: the browser may neither guess its type nor let it run anything.
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

// Files gives all uploaded files, oldest first.
func (s *Server) Files() []File {
	s.lock()
	defer s.mu.Unlock()
	list := make([]File, 0, len(s.uploads))
	for _, f := range s.uploads {
		list = append(list, f.File)
	}
	return list
}
