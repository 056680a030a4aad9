package atelier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"atelierd/internal/order"
	"atelierd/internal/secret"
	"atelierd/internal/words"
)

// directLimit is the size in bytes above which a file is sent with an upload token. The
// host of the deployed marketplace refuses requests over 4.5 MB, which includes the
// form around the file.
const directLimit = 4_400_000

// uploadPace is the rate in bytes a second from which the time limit of an upload is
// computed.
const uploadPace = 64 << 10

// File is a file to upload.
type File struct {
	Name string // the name to show; unsafe characters are replaced
	MIME string // image/png, video/mp4, ...
	Size int64
	// Open returns the content, which must be the same Size bytes each time. It is
	// called again if a kept connection turns out to be closed.
	Open func() (io.ReadCloser, error)
}

// Uploaded is a file at the marketplace.
type Uploaded struct {
	URL   string
	Media string // image, video, document, text or code
}

// Upload uploads a file to the marketplace's CDN, streaming it in constant memory. It
// sends a form, as in the marketplace's guide. A file that is too large for a form, or
// of a type that the form refuses, is sent to the blob store of the deployed
// marketplace, with an upload token. orderID is passed to the Meter only. An upload can
// be repeated safely.
func (c *Client) Upload(ctx context.Context, orderID string, f File) (Uploaded, error) {
	if formRefuses(f.MIME) || f.Size > directLimit && c.tokenWorks.Load() {
		up, exists, err := c.uploadByToken(ctx, orderID, f)
		if exists {
			return up, err
		}
		c.tokenWorks.Store(false)
		return c.uploadForm(ctx, orderID, f)
	}
	up, err := c.uploadForm(ctx, orderID, f)
	if err == nil || !tooLarge(err, f) {
		return up, err
	}
	up, exists, tokenErr := c.uploadByToken(ctx, orderID, f)
	if !exists {
		return Uploaded{}, err
	}
	return up, tokenErr
}

// formRefuses reports whether the form of the deployed marketplace refuses a type. It
// takes no pages and scripts, which would run at its address.
func formRefuses(mimeType string) bool {
	kind, _, _ := strings.Cut(mimeType, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "text/html" || kind == "text/javascript"
}

// tooLarge reports whether the file must be sent with an upload token. A host may
// refuse a large request and cut the connection before it has read the whole request,
// so that its 413 is lost. A large file without an answer thus counts as refused.
func tooLarge(err error, f File) bool {
	e, ok := errors.AsType[*CallError](err)
	return ok && (e.Status == http.StatusRequestEntityTooLarge || e.Status == 0 && e.unknown && f.Size > directLimit)
}

func (c *Client) uploadForm(ctx context.Context, orderID string, f File) (Uploaded, error) {
	r := request{
		call: order.RequestUpload, orderID: orderID, method: http.MethodPost, path: []string{"upload"},
		timeout: c.uploadTime(f),
	}
	form, err := newForm(f)
	if err != nil {
		return Uploaded{}, r.notSent(order.Fail, order.CodeRejected, "%s", tidy(err.Error()))
	}
	r.contentType, r.size = form.contentType, int64(len(form.head))+f.Size+int64(len(form.tail))
	r.body = func() (io.ReadCloser, error) {
		file, err := f.Open()
		if err != nil {
			return nil, err
		}
		return readCloser{io.MultiReader(bytes.NewReader(form.head), &exactly{file, f.Size}, bytes.NewReader(form.tail)), file}, nil
	}
	var up Uploaded
	r.read = func(body io.Reader) error {
		data, err := readData(body, answerLimit)
		if err != nil {
			return err
		}
		up, err = readUploaded(data, f.MIME)
		return err
	}
	return up, c.do(ctx, r)
}

// form is a multipart body around a file.
type form struct {
	contentType string
	head, tail  []byte // before and after the file
}

func newForm(f File) (form, error) {
	if _, _, err := mime.ParseMediaType(f.MIME); err != nil || !headerSafe(f.MIME) {
		return form{}, fmt.Errorf("%q is not a media type", words.Cut(f.MIME, 80))
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + safeName(f.Name, f.MIME) + `"`},
		"Content-Type":        {f.MIME},
	})
	at := b.Len()
	err = errors.Join(err, w.Close())
	return form{w.FormDataContentType(), b.Bytes()[:at:at], b.Bytes()[at:]}, err
}

// uploadByToken sends a file with an upload token, an addition of the deployed
// marketplace for large files. exists reports whether the marketplace has it.
func (c *Client) uploadByToken(ctx context.Context, orderID string, f File) (up Uploaded, exists bool, err error) {
	var grant struct {
		Token    label `json:"upload_token"`
		Pathname label `json:"pathname"`
	}
	ask := request{
		call: order.RequestUpload, orderID: orderID, method: http.MethodPost,
		path: []string{"upload", "token"}, timeout: c.Timeout,
	}
	if err := ask.jsonBody(map[string]string{"content_type": f.MIME, "filename": safeName(f.Name, f.MIME)}); err != nil {
		return up, true, ask.notSent(order.Fail, order.CodeRejected, "%s", tidy(err.Error()))
	}
	ask.read = func(body io.Reader) error {
		if err := into(&grant, answerLimit)(body); err != nil {
			return err
		}
		if grant.Token == "" || grant.Pathname == "" || !headerSafe(string(grant.Token)) {
			return errors.New("no upload token")
		}
		return nil
	}
	if err := c.do(ctx, ask); err != nil {
		e, _ := errors.AsType[*CallError](err)
		absent := e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed
		return up, !absent, err
	}
	query := c.BlobURL.Query()
	query.Set("pathname", string(grant.Pathname))
	put := request{
		method: http.MethodPut, base: c.BlobURL, query: query.Encode(), token: secret.New(string(grant.Token)),
		timeout: c.uploadTime(f), contentType: f.MIME, size: f.Size,
		body: func() (io.ReadCloser, error) {
			file, err := f.Open()
			if err != nil {
				return nil, err
			}
			return readCloser{&exactly{file, f.Size}, file}, nil
		},
		read: func(body io.Reader) error {
			raw, err := io.ReadAll(io.LimitReader(body, answerLimit))
			if err != nil {
				return err
			}
			up, err = readUploaded(raw, f.MIME)
			return err
		},
	}
	if err := c.do(ctx, put); err != nil {
		return Uploaded{}, true, err
	}
	c.tokenWorks.Store(true)
	return up, true, nil
}

func (c *Client) uploadTime(f File) time.Duration {
	return c.Timeout + time.Duration(f.Size/uploadPace)*time.Second
}

func readUploaded(data json.RawMessage, mimeType string) (Uploaded, error) {
	var w struct {
		URL   label `json:"url"`
		Media label `json:"media_type"`
	}
	if err := unmarshal(data, &w); err != nil {
		return Uploaded{}, err
	}
	u, err := url.Parse(string(w.URL))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return Uploaded{}, errors.New("no url of the file")
	}
	if !slices.Contains([]string{"image", "video", "document", "text", "code"}, string(w.Media)) {
		w.Media = "" // the caller knows the type of its file
		if kind, _, _ := strings.Cut(mimeType, "/"); kind == "image" || kind == "video" {
			w.Media = label(kind)
		}
	}
	return Uploaded{URL: string(w.URL), Media: string(w.Media)}, nil
}

// safeName returns the file name with all but ASCII letters, digits and .-_ replaced,
// and with the extension of its type.
func safeName(name, mimeType string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z') {
			return r
		}
		return '_'
	}, name)
	stem := strings.Trim(strings.TrimSuffix(name, path.Ext(name)), "._")
	ext := extensions[strings.ToLower(mimeType)]
	if ext == "" {
		ext = path.Ext(name)
	}
	if stem == "" {
		stem = "file"
	}
	return stem[:min(len(stem), 80)] + ext[:min(len(ext), 10)]
}

// extensions maps the accepted types to file extensions. The marketplace's guide lists
// the images and videos.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
	"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov",
	// The deployed marketplace also accepts these.
	"application/pdf": ".pdf", "application/zip": ".zip", "text/plain": ".txt", "text/markdown": ".md", "text/html": ".html",
	"text/csv": ".csv", "application/json": ".json", "text/javascript": ".js", "text/x-python": ".py",
}

var errFileChanged = errors.New("the file changed while it was sent")

// exactly reads the left bytes of r. It fails if r has fewer or more, because a file
// that is cut short must not be delivered as a whole one.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		var one [1]byte
		n, err := e.r.Read(one[:])
		if n > 0 {
			err = errFileChanged
		}
		return 0, err
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = errFileChanged
	}
	return n, err
}

type readCloser struct {
	io.Reader
	io.Closer
}
