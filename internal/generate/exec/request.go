package exec

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"time"

	"atelierd/internal/generate"
	"atelierd/internal/order"
)

// wireRequest is the JSON object that the program reads from stdin. Lists are
// never null and every field is always there. The exceptions are piece, which
// only a piece has, and files, which only a check gets.
type wireRequest struct {
	OrderID              string          `json:"order_id"`
	Round                int             `json:"round"`
	Attempt              int             `json:"attempt"`
	Brief                string          `json:"brief"`
	BriefEnglish         string          `json:"brief_english"`
	BriefSpec            json.RawMessage `json:"brief_spec"`
	ReferenceURLs        []string        `json:"reference_urls"`
	ReferenceImages      []string        `json:"reference_images"`
	RequirementAnswers   json.RawMessage `json:"requirement_answers"`
	Messages             []wireMessage   `json:"messages"`
	Service              wireService     `json:"service"`
	PreviousDeliverables []string        `json:"previous_deliverables"`
	Piece                *wirePiece      `json:"piece,omitempty"`
	Instructions         string          `json:"instructions"`
	PreviousTakes        []wireTake      `json:"previous_takes"`
	Problems             []string        `json:"problems"`
	Prompt               string          `json:"prompt"`
	References           []wireReference `json:"references"`
	Notes                []string        `json:"notes"`
	Files                []string        `json:"files,omitempty"`
}

// wireTake is what was made for the same work before.
type wireTake struct {
	Take         int      `json:"take"`
	Instructions string   `json:"instructions"`
	Files        []string `json:"files"`
}

type wireMessage struct {
	From string    `json:"from"`
	Text string    `json:"text"`
	At   time.Time `json:"at,omitzero"`
}

type wireService struct {
	Title        string   `json:"title"`
	Category     string   `json:"category"`
	Deliverables []string `json:"deliverables"`
}

type wirePiece struct {
	Number  int    `json:"number"`
	Request string `json:"request"`
}

type wireReference struct {
	Path      string `json:"path"`
	MediaType string `json:"media_type"`
	URL       string `json:"url"`
}

// encodeRequest returns the request as the program reads it.
func encodeRequest(req generate.Request) ([]byte, error) {
	if !filepath.IsAbs(req.OutputDir) {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "the output folder must be an absolute path").Nothing()
	}
	if strings.ContainsRune(req.OrderID, 0) {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "the order's id contains a NUL byte").Nothing()
	}
	var buf strings.Builder
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(wireOf(req)); err != nil {
		return nil, order.Failf(order.Hold, order.CodeBadRequest, "the order cannot be written as JSON: %w", err).Nothing()
	}
	return []byte(buf.String()), nil
}

func wireOf(req generate.Request) wireRequest {
	wire := wireRequest{
		OrderID: req.OrderID, Round: req.Round, Attempt: req.Attempt, Brief: req.Brief,
		BriefEnglish: req.BriefEnglish, BriefSpec: req.BriefSpec,
		ReferenceURLs: list(req.ReferenceURLs), ReferenceImages: list(req.ReferenceImages),
		RequirementAnswers: req.RequirementAnswers, Messages: []wireMessage{},
		Service:              wireService{req.Service.Title, req.Service.Category, list(req.Service.Deliverables)},
		PreviousDeliverables: list(req.PreviousDeliverables),
		Instructions:         req.Instructions, PreviousTakes: []wireTake{}, Problems: list(req.Problems),
		Prompt: req.Prompt, References: []wireReference{}, Notes: list(req.Notes), Files: req.Made,
	}
	for _, t := range req.PreviousTakes {
		wire.PreviousTakes = append(wire.PreviousTakes, wireTake{t.Number, t.Instructions, list(t.Files)})
	}
	for _, m := range req.Messages {
		wire.Messages = append(wire.Messages, wireMessage{m.From, m.Text, m.At.UTC()})
	}
	for _, r := range req.References {
		wire.References = append(wire.References, wireReference{r.Path, r.MIME, r.URL})
	}
	if req.Piece > 0 {
		wire.Piece = &wirePiece{req.Piece, req.Ask}
	}
	return wire
}

// list returns s, or an empty list for nil, which JSON would write as null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
