package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// This file is how the charging server sends its files: some are not there at first.

// send sends the file of a job that is done, or what stands in its place for a while. The
// caller holds mu.
func (p *charging) send(w http.ResponseWriter, j *paidJob) {
	w.Header().Set("Content-Type", "image/png")
	if j.odd > 0 {
		j.odd--
		switch p.rng.IntN(4) {
		case 0:
			w.WriteHeader(http.StatusNotFound)
		case 1:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!DOCTYPE html><title>Just a moment...</title>")
		case 2:
			fmt.Fprint(w, onePixel[:40])
		}
		return
	}
	fmt.Fprint(w, onePixel, j.what)
}

// file answers the link of a prediction.
func (p *charging) file(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.find(w, r); j != nil {
		p.send(w, j)
	}
}

// view is ComfyUI's way to a file.
func (p *charging) view(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.SetPathValue("job", strings.TrimSuffix(r.URL.Query().Get("filename"), ".png"))
	if j := p.find(httptest.NewRecorder(), r); j != nil {
		p.send(w, j)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}
