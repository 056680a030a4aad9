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
	"atelierd/internal/term"
)

// directLimit is the size from which the deployed marketplace's host refuses a
// request: 4.5 MB, in which the rest of the request must fit as well.
const directLimit = 4_400_000

// uploadPace is the least number of bytes a second that an upload is given
// time for.
const uploadPace = 64 << 10

// File is what to upload. Open is called at least once, maybe again when a
// connection was found dead; it must give the same Size bytes each time.
type File struct {
	Name string // the name to show; made safe here
	MIME string // image/png, video/mp4, ...
	Size int64
	Open func() (io.ReadCloser, error)
}

// Uploaded is where the marketplace put a file.
type Uploaded struct {
	URL   string
	Media string // image, video, document, text or code
}

// Upload puts a file on the marketplace's CDN, streaming it in constant memory.
// It goes up as a form, as the marketplace's guide has it; above the size that
// the deployed marketplace takes that way, by an upload token to the blob
// store. orderID is for the Meter alone. An upload may be repeated safely.
func (c *Client) Upload(ctx context.Context, orderID string, f File) (Uploaded, error) {
	if f.Size > directLimit && c.tokenWorks.Load() {
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

// tooLarge says whether the other way has to be tried. A host may refuse a large
// request before it has read it all and cut the connection, so that its 413 is
// never seen: without an answer, a large file is taken to have been refused.
func tooLarge(err error, f File) bool {
	e, ok := errors.AsType[*CallError](err)
	return ok && (e.Status == http.StatusRequestEntityTooLarge || e.Status == 0 && e.unknown && f.Size > directLimit)
}

func (c *Client) uploadForm(ctx context.Context, orderID string, f File) (Uploaded, error) {
	r := request{call: order.RequestUpload, orderID: orderID, method: http.MethodPost, path: []string{"upload"},
		timeout: c.uploadTime(f)}
	contentType, head, tail, err := form(f)
	if err != nil {
		return Uploaded{}, r.notSent(order.Fail, order.CodeRejected, "%s", tidy(err.Error(), ""))
	}
	r.contentType, r.size = contentType, int64(len(head))+f.Size+int64(len(tail))
	r.body = func() (io.ReadCloser, error) {
		file, err := f.Open()
		if err != nil {
			return nil, err
		}
		return readCloser{io.MultiReader(bytes.NewReader(head), &exactly{file, f.Size}, bytes.NewReader(tail)), file}, nil
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

// form gives what stands before and after the file in a multipart body.
func form(f File) (contentType string, head, tail []byte, err error) {
	if _, _, err := mime.ParseMediaType(f.MIME); err != nil || !headerSafe(f.MIME) {
		return "", nil, nil, fmt.Errorf("%q is not a media type", term.Cut(f.MIME, 80))
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_, err = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + safeName(f.Name, f.MIME) + `"`},
		"Content-Type":        {f.MIME},
	})
	at := b.Len()
	err = errors.Join(err, w.Close())
	return w.FormDataContentType(), b.Bytes()[:at:at], b.Bytes()[at:], err
}

// uploadByToken is the deployed marketplace's way for large files. exists says
// whether the marketplace has it at all.
func (c *Client) uploadByToken(ctx context.Context, orderID string, f File) (up Uploaded, exists bool, err error) {
	var grant struct {
		Token    label `json:"upload_token"`
		Pathname label `json:"pathname"`
	}
	ask := request{call: order.RequestUpload, orderID: orderID, method: http.MethodPost,
		path: []string{"upload", "token"}, timeout: c.Timeout}
	if err := ask.jsonBody(map[string]string{"content_type": f.MIME, "filename": safeName(f.Name, f.MIME)}); err != nil {
		return up, true, ask.notSent(order.Fail, order.CodeRejected, "%s", tidy(err.Error(), ""))
	}
	ask.read = func(body io.Reader) error {
		if err := into(&grant, answerLimit)(body); err != nil {
			return err
		}
		if grant.Token == "" || grant.Pathname == "" || !headerSafe(string(grant.Token)) {
			return errors.New("it has no upload token")
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
		return Uploaded{}, errors.New("it has no url of the file")
	}
	if !slices.Contains([]string{"image", "video", "document", "text", "code"}, string(w.Media)) {
		w.Media = "" // the caller knows what it has sent
		if kind, _, _ := strings.Cut(mimeType, "/"); kind == "image" || kind == "video" {
			w.Media = label(kind)
		}
	}
	return Uploaded{URL: string(w.URL), Media: string(w.Media)}, nil
}

// safeName keeps of a file name what no server and no header can misread, with
// the extension of its type.
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

// extensions are those of the types that the marketplace's guide lists.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
	"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov",
	// The deployed marketplace takes these as well.
	"application/pdf": ".pdf", "application/zip": ".zip", "text/plain": ".txt", "text/markdown": ".md", "text/html": ".html",
	"text/csv": ".csv", "application/json": ".json", "text/javascript": ".js", "text/x-python": ".py",
}

var errFileChanged = errors.New("the file changed while it was sent")

// exactly reads left bytes of r, and fails when r has fewer or more: a file cut
// short must not pass for the whole.
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
