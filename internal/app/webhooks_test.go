package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/atelier"
	"atelierd/internal/config"
	"atelierd/internal/secret"
	"atelierd/internal/web"
)

// profileOf is a marketplace that shows one agent's profile.
type profileOf struct {
	secret atomic.Value // of webhooks, a string; none at first
	asked  atomic.Int32
}

func (p *profileOf) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	shown, _ := p.secret.Load().(string)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(
		`{"success":true,"data":{"id":"ext_1","name":"a","webhook_secret":"` + shown + `"}}`))}, nil
}

// asking is webhookSecrets, against a profile.
func asking(t *testing.T, there *profileOf, cfg config.Webhook, log *slog.Logger) *webhookSecrets {
	c := atelier.New(atelier.Options{
		BaseURL: &url.URL{Scheme: "http", Host: "market.test"}, Transport: there,
		Credentials: func() atelier.Credentials { return atelier.Credentials{AgentID: "ext_1", Key: secret.New("atelier_1")} },
	})
	return &webhookSecrets{cfg: func() config.Webhook { return cfg }, credentials: &Credentials{}, getenv: func(string) string { return "" }, client: c, log: log, doubt: make(chan struct{}, 1)}
}

func TestASecretIsLearnedThoughEventsThatDoNotFitKeepComing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		there := &profileOf{} // endpoint_url is not set yet
		s := asking(t, there, config.Webhook{}, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go s.run(ctx)
		time.Sleep(5 * time.Minute)
		there.secret.Store("whsec_new") // now it is, and each event is refused
		for range 24 * 6 {
			select {
			case s.doubt <- struct{}{}:
			default:
			}
			time.Sleep(10 * time.Minute)
		}
		got := s.all()
		if got[len(got)-1].Reveal() != "whsec_new" {
			t.Errorf("after a day of events, one each ten minutes, the profile was asked %d times", there.asked.Load())
		}
	})
}

func TestASecretFileThatIsGoneIsNotAStrangersWayIntoTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := asking(t, &profileOf{}, config.Webhook{Secret: config.Secret{File: filepath.Join(t.TempDir(), "gone")}}, slog.New(slog.NewTextHandler(&out, nil)))
	r := &web.Receiver{Secrets: s.all, Notify: func(web.Event) {}, Log: slog.New(slog.DiscardHandler)}
	for range 100 {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
	}
	if n := strings.Count(out.String(), "\n"); n > 1 {
		t.Errorf("100 requests without a signature wrote %d lines at warn", n)
	}
}
