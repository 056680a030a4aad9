package provider

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/lenient"
	"atelierd/internal/order"
)

// veo makes videos with Google's models. A submission begins an operation, which is asked
// for by its name. The video begins with the client's first picture. Params are the
// request's parameters, such as durationSeconds. A finished file needs the key, which
// goes to the provider's own host only.
type veo struct {
	gemini
	cost order.USD // of a video, or 0 if usd_per_second does not say
}

const (
	// usdPerSecond is the param with the price of a second. The answers name no cost.
	usdPerSecond = "usd_per_second"
	// veoSeconds is how long a video is without durationSeconds.
	veoSeconds = 8
)

func newVeo(s Spec) (backend, error) {
	b := &veo{gemini: gemini{s}}
	price, there := s.Params[usdPerSecond]
	if !there {
		return b, nil
	}
	b.spec.Params = with(s.Params, nil)
	delete(b.spec.Params, usdPerSecond)
	second, err := order.ParseUSD(fmt.Sprint(price))
	if err != nil {
		return nil, fmt.Errorf("params.%s: %w", usdPerSecond, err)
	}
	seconds, err := strconv.ParseInt(fmt.Sprint(cmp.Or(s.Params["durationSeconds"], any(veoSeconds))), 10, 32)
	if err != nil || seconds <= 0 {
		return nil, errors.New("params.durationSeconds must be a number of seconds")
	}
	b.cost = second * order.USD(seconds)
	return b, nil
}

func (b *veo) submit(ctx context.Context, c *conn, req generate.Request) (string, *output, error) {
	instance := map[string]any{"prompt": req.Prompt}
	if len(req.References) > 0 {
		first := req.References[0]
		content, err := read(first)
		if err != nil {
			return "", nil, err
		}
		instance["image"] = map[string]any{"bytesBase64Encoded": base64.StdEncoding.EncodeToString(content), "mimeType": first.MIME}
	}
	request := map[string]any{"instances": []any{instance}}
	if len(b.spec.Params) > 0 {
		request["parameters"] = b.spec.Params
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: b.path() + ":predictLongRunning", header: b.header(c), json: request, paid: true})
	if err != nil {
		return "", nil, err
	}
	if name, _, err := a.ticket("name"); err == nil {
		return name, nil, nil
	}
	if said := message(a.body); a.inside().status == http.StatusBadRequest && veoRefusal.MatchString(said) {
		return "", nil, a.refused(order.ChargeNone, "%s", said)
	}
	return "", nil, b.failure(a.inside())
}

// veoRefusal matches the texts by which content is refused. They come with codes that
// mean a wrong request too.
var veoRefusal = regexp.MustCompile(`(?i)violat|responsible ai|sensitive words|safety filter`)

// veoOperation is what Google says of an operation. A running one lacks done, or
// has it false.
type veoOperation struct {
	Name     lenient.Text    `json:"name"`
	Done     lenient.Text    `json:"done"`
	Error    json.RawMessage `json:"error"`
	Response json.RawMessage `json:"response"`
}

// veoResponse says what a finished operation made, and why something is not shown.
type veoResponse struct {
	Videos struct {
		Samples []struct {
			Video struct {
				Encoded lenient.Text `json:"encodedVideo"`
			} `json:"video"`
		} `json:"generatedSamples"`
		Filtered lenient.Number `json:"raiMediaFilteredCount"`
		Reasons  any            `json:"raiMediaFilteredReasons"`
	} `json:"generateVideoResponse"`
}

func (b *veo) poll(ctx context.Context, c *conn, ticket string) (*output, error) {
	a, err := c.get(ctx, b.operation(ticket), b.header(c))
	switch {
	case err != nil:
		return nil, err
	case a.gone():
		return nil, a.expired("its operation")
	case !a.ok():
		return nil, b.failure(a)
	}
	var op veoOperation
	if err := a.decode(&op); err != nil {
		return nil, err
	}
	switch {
	case op.Done == "true":
		return b.result(c, a, op)
	case op.Name == "" && op.Done == "", !a.inside().ok():
		return nil, b.failure(a.inside())
	}
	return nil, nil
}

// operation returns the path of an operation.
func (b *veo) operation(name string) string {
	if !strings.Contains(name, "/") {
		return b.path() + "/operations/" + url.PathEscape(name)
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return "/v1beta/" + strings.Join(parts, "/")
}

// result returns the files of an operation that is done, or why there are none. Google
// charges nothing for a video that it refuses to show.
func (b *veo) result(c *conn, a answer, op veoOperation) (*output, error) {
	out, err := b.videos(c, op)
	if err != nil {
		return nil, err
	}
	if n := len(out.blobs); n > 0 {
		out.cost = b.cost * order.USD(n)
		return out, nil
	}
	var made veoResponse
	_ = lenient.Unmarshal(op.Response, &made) // one of another form says nothing more
	if videos := made.Videos; videos.Filtered.Value() > 0 || !blank(videos.Reasons) {
		return nil, a.refused(order.ChargeNone, "%s", saidIn(videos.Reasons))
	}
	why, failed := complaint{Error: op.Error}.inner()
	said := string(why.Message)
	switch {
	case !failed:
		return nil, a.noFileIn(anyOf(op.Response))
	case veoRefusal.MatchString(said):
		return nil, a.refused(order.ChargeNone, "%s", said)
	}
	f := a.failed("%s", said)
	if why.Code == wrongRequest { // the next one would be answered in the same way
		f.Class = order.Hold
		return nil, f.WithHint("%s; %s makes another call, which is paid for", rejectedHint, retryCommand)
	}
	return nil, f
}

// wrongRequest is the code of an operation whose request is not valid.
const wrongRequest = "3"

// videos returns the files of an operation, which may be none.
func (b *veo) videos(c *conn, op veoOperation) (*output, error) {
	out := &output{}
	for _, uri := range linksIn(anyOf(op.Response)) {
		if _, err := c.target(uri); err == nil {
			out.blobs = append(out.blobs, blob{path: uri, header: b.header(c)})
		} else {
			out.blobs = append(out.blobs, blob{link: uri})
		}
	}
	var made veoResponse
	if len(out.blobs) > 0 || lenient.Unmarshal(op.Response, &made) != nil {
		return out, nil
	}
	for _, sample := range made.Videos.Samples {
		if sample.Video.Encoded == "" {
			continue
		}
		file, err := fromBase64(string(sample.Video.Encoded))
		if err != nil {
			return nil, err
		}
		out.blobs = append(out.blobs, file)
	}
	return out, nil
}

func (b *veo) probe(ctx context.Context, c *conn) error {
	return b.probeFor(ctx, c, "predictLongRunning")
}
