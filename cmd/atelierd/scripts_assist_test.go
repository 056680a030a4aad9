package main_test

import (
	"encoding/base64"
	"fmt"
	"image/color"
	"image/png"
	"net/http/httptest"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"atelierd/internal/generate/gentest"
)

// scriptModel starts a server of the chat completions API whose model answers the texts, one a
// question and the last one to all that follow, and sets MODEL to its address: model TEXT...
// The text SEES names the colours of the picture's halves.
func scriptModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: model text...")
	}
	server := httptest.NewServer(gentest.NewChat("model-key", func(r gentest.ChatRequest) string {
		text := args[0]
		args = args[min(1, len(args)-1):]
		if text == "SEES" {
			return halvesOf(r)
		}
		return text
	}))
	ts.Defer(server.Close)
	ts.Setenv("MODEL", server.URL)
}

// halvesOf answers a trial as a model does that sees the picture.
func halvesOf(r gentest.ChatRequest) string {
	_, data, _ := strings.Cut(strings.Join(r.Pictures, ""), ";base64,")
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(data)))
	if err != nil {
		return err.Error()
	}
	names := color.Palette{}
	colours := map[color.Color]string{
		color.RGBA{0xff, 0, 0, 0xff}: "red", color.RGBA{0, 0xa0, 0, 0xff}: "green", color.RGBA{0, 0, 0xff, 0xff}: "blue",
		color.RGBA{0xff, 0xff, 0, 0xff}: "yellow", color.Gray{}: "black", color.Gray{0xff}: "white",
	}
	for c := range colours {
		names = append(names, c)
	}
	b := picture.Bounds()
	at := func(x int) string { return colours[names.Convert(picture.At(x, b.Dy()/2))] }
	return fmt.Sprintf(`{"left": %q, "right": %q}`, at(b.Dx()/4), at(b.Dx()*3/4))
}
