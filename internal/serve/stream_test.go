package serve

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"atelierd/internal/pipenet"
)

// served runs a server with a stream that writes a line each minute, and returns its
// client. stop ends the server, which then answers with how long that took.
func served(t *testing.T, most int) (get func() *http.Response, stop func() time.Duration) {
	t.Helper()
	l := pipenet.New()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	mux := http.NewServeMux()
	mux.Handle("/stream", Stream(most, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := 0; ; n++ {
			fmt.Fprintln(w, n)
			http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(time.Minute):
			}
		}
	})))
	go func() { ended <- Run(ctx, l, mux) }()
	client := &http.Client{Transport: &http.Transport{DialContext: l.Dial}}
	t.Cleanup(client.CloseIdleConnections)
	get = func() *http.Response {
		r, err := client.Get("http://test/stream")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	return get, func() time.Duration {
		began := time.Now()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		return time.Since(began)
	}
}

func TestAStreamLastsAndEndsAtAStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		get, stop := served(t, 1)
		answer := get()
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		for n := range 60 {
			if !lines.Scan() {
				t.Fatalf("the stream ended in minute %d: %v", n, lines.Err())
			}
		}
		read := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(answer.Body)
			read <- err
		}()
		if took := stop(); took > time.Second {
			t.Errorf("the stop took %s beside a stream", took)
		}
		if err := <-read; err != nil {
			t.Errorf("the stream did not end in order: %v", err)
		}
	})
}

func TestStreamsAreBoundedAndMakeRoomWhenTheirClientsLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		get, stop := served(t, 2)
		defer stop()
		one, two, three := get(), get(), get()
		for _, r := range []*http.Response{two, three} {
			defer r.Body.Close()
		}
		if one.StatusCode != 200 || two.StatusCode != 200 || three.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("three streams where two may be open: %d, %d, %d", one.StatusCode, two.StatusCode, three.StatusCode)
		}
		one.Body.Close()
		synctest.Wait()
		four := get()
		defer four.Body.Close()
		if four.StatusCode != 200 {
			t.Errorf("after one has left: %d", four.StatusCode)
		}
	})
}
