package provider

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"

	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// listen implements listener. ComfyUI says over a WebSocket how far a node is, to the
// client that has submitted the job. Without one the job is polled as before.
func (b *comfyUI) listen(ctx context.Context, c *conn, ticket string) {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // it never fails
	header := http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {base64.StdEncoding.EncodeToString(key)},
	}
	maps.Copy(header, c.fileHeader())
	resp, err := c.send(ctx, call{method: http.MethodGet, path: "/ws?clientId=" + url.QueryEscape(ticket), header: header})
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return
	}
	defer context.AfterFunc(ctx, func() { resp.Body.Close() })()
	frames := bufio.NewReader(resp.Body)
	for {
		text, err := readFrame(frames)
		if err != nil {
			return
		}
		if p, ok := comfyProgress(text, ticket); ok {
			c.progress(p)
		}
	}
}

// comfyProgress returns what a message says of the job. A node that is done says nothing
// about the next one.
func comfyProgress(text []byte, id string) (order.Progress, bool) {
	var message struct {
		Type lenient.Text `json:"type"`
		Data struct {
			Prompt lenient.Text   `json:"prompt_id"`
			Value  lenient.Number `json:"value"`
			Most   lenient.Number `json:"max"`
		} `json:"data"`
	}
	if len(text) == 0 || lenient.Unmarshal(text, &message) != nil {
		return order.Progress{}, false
	}
	value, most := message.Data.Value.Value(), message.Data.Most.Value()
	if message.Type != "progress" || string(message.Data.Prompt) != id || most <= 1 || value <= 0 || value >= most {
		return order.Progress{}, false
	}
	return order.Progress{Phase: order.PhaseMaking, Fraction: value / most}, true
}

// The frames of a WebSocket that are told apart.
const (
	frameText  = 0x1
	frameClose = 0x8
	// mostFrame is the most bytes of a text that is read. Longer ones, and previews of
	// pictures, are passed over.
	mostFrame = 64 << 10
)

var errClosed = errors.New("the server has closed the connection")

// readFrame reads one frame of a WebSocket, and returns its text. It is nil for what is no
// text or comes in parts. A server does not mask its frames.
func readFrame(r *bufio.Reader) ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := uint64(head[1] & 0x7f)
	if wide := map[uint64]int{126: 2, 127: 8}[size]; wide > 0 {
		var long [8]byte
		if _, err := io.ReadFull(r, long[8-wide:]); err != nil {
			return nil, err
		}
		size = binary.BigEndian.Uint64(long[:])
	}
	final, kind := head[0]&0x80 != 0, head[0]&0x0f
	switch {
	case kind == frameClose || head[1]&0x80 != 0 || size > 1<<40:
		return nil, errClosed
	case kind == frameText && final && size <= mostFrame:
		text := make([]byte, size)
		_, err := io.ReadFull(r, text)
		return text, err
	}
	_, err := io.CopyN(io.Discard, r, int64(size))
	return nil, err
}
