package owner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"atelierd/internal/fulfill"
	"atelierd/internal/order"
	"atelierd/internal/words"
)

// MaxInstructions is the most characters of the owner's instructions for a take.
const MaxInstructions = 4000

// Redo has the files of the order's round made from the start, or those of one piece of
// a subscription. What was made before stays, to compare. Generators make all files again.
// If want.Files names some, the instructions say that only these are to change.
func (a *Actions) Redo(ctx context.Context, id string, want order.Redo) error {
	want.Instructions = strings.TrimSpace(strings.ToValidUTF8(want.Instructions, "\uFFFD"))
	switch n := utf8.RuneCountInString(want.Instructions); {
	case want.Piece < 0:
		return &InputError{fmt.Errorf("there is no piece %d; the first one is 1", want.Piece)}
	case n > MaxInstructions:
		return &InputError{fmt.Errorf("the instructions have %d characters, and may have %d", n, MaxInstructions)}
	}
	if len(want.Files) > 0 {
		only, err := a.only(ctx, id, want)
		if err != nil {
			return err
		}
		want.Instructions = strings.TrimSpace(only + want.Instructions)
	}
	if err := a.o.CheckText(want.Instructions); err != nil { // providers read them
		return err
	}
	return a.st.Redo(ctx, id, want, func(kind order.Kind, round int) error {
		return fulfill.ClearWork(a.o.Dir, id, kind, round)
	})
}

// only says which of the files that were made last are to change, or is empty if all are.
func (a *Actions) only(ctx context.Context, id string, want order.Redo) (string, error) {
	kind, round := order.KindPiece, want.Piece
	if want.Piece == 0 {
		o, err := a.st.Order(ctx, id)
		if err != nil {
			return "", err
		}
		kind, round = order.KindDelivery, o.Round
	}
	takes, err := a.st.Takes(ctx, id, kind, round)
	if err != nil {
		return "", err
	}
	var files []order.Artifact
	for _, t := range takes {
		if len(t.Files) > 0 {
			files = t.Files
		}
	}
	if len(files) == 0 {
		return "", &InputError{errors.New("there are no files yet of which some could be named")}
	}
	for _, n := range want.Files {
		if n < 1 || n > len(files) {
			return "", &InputError{fmt.Errorf("there is no file %d; the last take has %d", n, len(files))}
		}
	}
	var change, keep []string
	for i, f := range files {
		name := fmt.Sprintf("%d (%s)", i+1, words.Line(f.Name, 80))
		if slices.Contains(want.Files, i+1) {
			change = append(change, name)
		} else {
			keep = append(keep, name)
		}
	}
	if len(keep) == 0 {
		return "", nil
	}
	return fmt.Sprintf("Of the %d files, change only %s. Keep %s as before.\n", len(files), numbered(change), numbered(keep)), nil
}

// numbered lists names of files.
func numbered(names []string) string {
	if len(names) == 1 {
		return "file " + names[0]
	}
	return "files " + strings.Join(names, ", ")
}
