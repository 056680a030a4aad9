package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// mediaTypes returns the types that may be uploaded, with their extensions.
func mediaTypes() map[string]string {
	return map[string]string{
		"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
		"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov",
		"application/pdf": ".pdf", "application/zip": ".zip", "text/plain": ".txt", "text/markdown": ".md",
		"text/html": ".html", "text/csv": ".csv", "application/json": ".json", "text/javascript": ".js", "text/x-python": ".py",
	}
}

// formAccepts reports whether POST /upload takes a type.
func (s *Server) formAccepts(mediaType string) bool {
	return s.accepts(mediaType) && mediaType != "text/html" && mediaType != "text/javascript"
}

// accepts reports whether a type may be uploaded. The guide's marketplace accepts
// images and videos only.
func (s *Server) accepts(mediaType string) bool {
	word := mediaWord(mediaType)
	return mediaTypes()[mediaType] != "" && (!s.opts.Guide || word == "image" || word == "video")
}

// mediaWord returns the marketplace's word for a type.
func mediaWord(mediaType string) string {
	switch mediaType {
	case "application/pdf", "application/zip":
		return "document"
	case "application/json", "text/javascript", "text/x-python":
		return "code"
	}
	word, _, _ := strings.Cut(mediaType, "/")
	return word
}

// looksLike reports whether a file that begins with head can have the type.
func looksLike(mediaType string, head []byte) bool {
	switch mediaType {
	case "video/mp4":
		return len(head) >= 12 && string(head[4:8]) == "ftyp"
	case "video/quicktime":
		return len(head) >= 12 && slices.Contains([]string{"ftyp", "moov", "mdat", "wide", "free", "skip"}, string(head[4:8]))
	}
	switch mediaWord(mediaType) {
	case "text", "code":
		return utf8.Valid(head[:max(len(head)-utf8.UTFMax, 0)])
	}
	return http.DetectContentType(head) == mediaType
}

// checkFile rejects files that the marketplace does not accept.
func checkFile(f *file) *answer {
	switch {
	case f.Size == 0:
		a := refuse(http.StatusBadRequest, "File is empty")
		return &a
	case !looksLike(f.ContentType, f.head):
		a := refuse(http.StatusBadRequest, "File content does not match %s", f.ContentType)
		return &a
	}
	return nil
}

func plainType(header string) string {
	kind, _, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	return kind
}

func readUpload(s *Server, in *input) *answer { return s.readMultipart(in, s.formAccepts) }

func readOrderUpload(s *Server, in *input) *answer { return s.readMultipart(in, s.accepts) }

// readMultipart reads the field `file` of the request in constant memory. It reads the
// request to its end, so that an incomplete one has no effect.
func (s *Server) readMultipart(in *input, accepts func(mediaType string) bool) *answer {
	parts, err := in.r.MultipartReader()
	if err != nil {
		a := refuse(http.StatusBadRequest, "Expected multipart/form-data")
		return &a
	}
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s.badUpload(in, err)
		}
		if part.FormName() != "file" || part.FileName() == "" || in.file != nil {
			continue
		}
		kind := plainType(part.Header.Get("Content-Type"))
		if !accepts(kind) {
			a := refuse(http.StatusBadRequest, "Unsupported file type. Allowed: jpeg, png, webp, gif, mp4, webm, quicktime")
			return &a
		}
		if in.file, err = s.receive(part, kind, part.FileName()); err != nil {
			return s.badUpload(in, err)
		}
	}
	if in.file == nil {
		a := refuse(http.StatusBadRequest, "file is required")
		return &a
	}
	if a := checkFile(in.file); a != nil {
		in.file.drop()
		return a
	}
	return nil
}

func (s *Server) badUpload(in *input, err error) *answer {
	if in.file != nil {
		in.file.drop()
	}
	a := refuse(http.StatusBadRequest, "Malformed upload")
	switch {
	case errors.Is(err, errTooLarge):
		a = refuse(http.StatusBadRequest, "File too large. Max size is %d MB", s.opts.MaxUpload>>20)
	default:
		if _, platform := errors.AsType[*http.MaxBytesError](err); platform {
			a = tooLargeForPlatform()
		}
		if _, disk := errors.AsType[*fs.PathError](err); disk {
			a = refuse(http.StatusInternalServerError, "Internal server error")
		}
	}
	return &a
}

func (s *Server) upload(in *input) answer {
	if err := s.storeFile(in); err != nil {
		return refuse(http.StatusInternalServerError, "Internal server error")
	}
	return ok(map[string]any{"url": in.file.URL, "media_type": mediaWord(in.file.ContentType)})
}

// uploadToOrder stores a file for an order. The file is not delivered by that.
func (s *Server) uploadToOrder(in *input) answer {
	if _, a := s.ownOrder(in); a != nil {
		in.file.drop()
		return *a
	}
	return s.upload(in)
}

// uploadToken allows a PUT of one path to the blob store.
type uploadToken struct {
	path, contentType string
	expires           time.Time
}

func (s *Server) issueToken(in *input) answer {
	f := &in.form
	f.require("content_type", "filename")
	kind, name := f.text("content_type", 1, 100), f.text("filename", 1, 255)
	if f.problem == "" && !s.accepts(kind) {
		f.complain("Unsupported content_type")
	}
	if f.problem != "" {
		return refuse(http.StatusBadRequest, "%s", f.problem)
	}
	t := uploadToken{
		contentType: kind, expires: in.now.Add(time.Hour),
		path: "atelier/uploads/" + in.agent.ID + "/" + s.id("up", in.now) + "-" + safeName(name, kind),
	}
	secret := "vercel_blob_client_" + s.hexOf("token", 24)
	s.tokens[secret] = t
	return ok(map[string]any{"upload_token": secret, "pathname": t.path})
}

// readBlob reads the body of a PUT to the blob store. Its errors have a form of their
// own, and its requests have the upload token instead of the key.
func readBlob(s *Server, in *input) *answer {
	secret, _ := strings.CutPrefix(in.r.Header.Get("Authorization"), "Bearer ")
	now := s.lock()
	t, known := s.tokens[secret]
	s.mu.Unlock()
	switch {
	case !known || !now.Before(t.expires):
		return blobError(http.StatusForbidden, "forbidden", "Access denied, please provide a valid token for this resource.")
	case in.r.Header.Get("x-api-version") != "12":
		return blobError(http.StatusBadRequest, "bad_request", "Unsupported x-api-version")
	case in.r.URL.Query().Get("pathname") != t.path:
		return blobError(http.StatusForbidden, "forbidden", "The pathname does not match the token")
	case plainType(in.r.Header.Get("Content-Type")) != t.contentType:
		return blobError(http.StatusBadRequest, "content_type_not_allowed", "The content type does not match the token")
	}
	var err error
	in.file, err = s.receive(in.r.Body, t.contentType, t.path[strings.LastIndexByte(t.path, '/')+1:])
	switch {
	case errors.Is(err, errTooLarge):
		return blobError(http.StatusRequestEntityTooLarge, "file_too_large", "The file is too large")
	case err != nil:
		return blobError(http.StatusBadRequest, "bad_request", "The upload was not complete")
	}
	return nil
}

func (s *Server) putBlob(in *input) answer {
	path := in.r.URL.Query().Get("pathname")
	if err := s.storeFile(in); err != nil {
		return *blobError(http.StatusInternalServerError, "unknown_error", "Internal error")
	}
	return answer{status: http.StatusOK, body: map[string]any{
		"url": in.file.URL, "downloadUrl": in.file.URL + "?download=1",
		"pathname": path, "contentType": in.file.ContentType,
	}}
}

func blobError(status int, code, text string) *answer {
	return &answer{status: status, body: map[string]any{"error": map[string]any{"code": code, "message": text}}}
}
