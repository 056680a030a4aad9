package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"atelierd/internal/cli"
	"atelierd/internal/generate"
	"atelierd/internal/generate/canvas"
	"atelierd/internal/term"
)

// PaintCmd runs the built-in canvas as a program of the exec protocol: it reads the
// order as JSON on stdin, and writes the picture to OUTPUT_DIR and a manifest to
// stdout.
type PaintCmd struct{}

// The exit codes of a generator.
const (
	paintRefused       = 65
	paintTryLater      = 75
	paintMisconfigured = 78
)

// maxPaintInput is more than the daemon writes for any order.
const maxPaintInput = 8 << 20

// Run runs the command.
func (PaintCmd) Run(p *cli.Program) error {
	dir := p.Getenv("OUTPUT_DIR")
	if !filepath.IsAbs(dir) {
		return &cli.HintError{
			Err: fmt.Errorf("OUTPUT_DIR is %q, not an absolute folder", dir), Code: paintMisconfigured,
			Hint: "this command is a generator; name it in a [generator.NAME] of type exec",
		}
	}
	var in struct {
		OrderID string          `json:"order_id"`
		Round   int             `json:"round"`
		Attempt int             `json:"attempt"`
		Brief   string          `json:"brief"`
		Answers json.RawMessage `json:"requirement_answers"`

		Instructions string `json:"instructions"`
		Messages     []struct{ From, Text string }
		Takes        []generate.Take `json:"previous_takes"`
	}
	if err := json.NewDecoder(io.LimitReader(p.Stdin, maxPaintInput)).Decode(&in); err != nil {
		return &cli.HintError{Err: fmt.Errorf("read the order from stdin: %w", err), Code: paintRefused}
	}
	if in.Brief == "" && string(in.Answers) != "null" {
		in.Brief = string(in.Answers)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	painter, err := canvas.New()
	if err != nil {
		return &cli.HintError{Err: err, Code: paintMisconfigured}
	}
	req := generate.Request{
		OrderID: in.OrderID, Round: in.Round, Attempt: in.Attempt,
		Brief: in.Brief, OutputDir: dir, Instructions: in.Instructions, PreviousTakes: in.Takes,
	}
	for _, m := range in.Messages {
		req.Messages = append(req.Messages, generate.Message{From: m.From, Text: m.Text})
	}
	made, err := painter.Generate(ctx, req)
	if err != nil {
		return &cli.HintError{Err: err, Code: paintTryLater}
	}
	names := make([]string, len(made.Files))
	for i, f := range made.Files {
		names[i] = filepath.Base(f)
	}
	return term.PrintJSON(p.Stdout, map[string]any{
		"files": names, "media_type": made.MediaType,
		"message": "painted in round " + strconv.Itoa(in.Round),
	})
}
