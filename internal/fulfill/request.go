package fulfill

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"atelierd/internal/generate"
	"atelierd/internal/order"
	"atelierd/internal/prompt"
)

// fullRequest returns the request of a call. A job that the provider already has
// needs only its place. A call that is made again gets the same request, because the
// provider may refuse its key with another.
func (r *run) fullRequest(ctx context.Context, p plan) (generate.Request, error) {
	if p.resumed != nil && p.resumed.Ticket != "" {
		return generate.Request{OrderID: r.order.ID, Round: r.job.Round, Attempt: p.resumed.Attempt, OutputDir: r.dir}, nil
	}
	req, err := r.newRequest(ctx, p.resumed)
	if err != nil {
		return req, err
	}
	if p.resumed != nil {
		req.Attempt = p.resumed.Attempt
		return r.asWritten(req), nil
	}
	if slices.ContainsFunc(p.generators, Generator.repeats) {
		err = r.writeRequest(req)
	}
	return req, err
}

// written is the name of the file with the request of the attempt, next to its folder.
func (r *run) written() string { return r.dir + ".request.json" }

// writeRequest stores a request. It is durable before the call.
func (r *run) writeRequest(req generate.Request) error {
	text, err := json.Marshal(req)
	if err != nil {
		return err
	}
	return writeFile(r.written(), func(w io.Writer) error { _, err := w.Write(text); return err })
}

// asWritten returns the request as it was when the call began. Since then the client may
// have written more. Files keep their place of now: the data folder may have moved.
func (r *run) asWritten(now generate.Request) generate.Request {
	text, err := os.ReadFile(r.written())
	if err != nil {
		return now // it was not brought along
	}
	var then generate.Request
	if err := json.Unmarshal(text, &then); err != nil {
		return now
	}
	then.References, then.OutputDir = now.References, now.OutputDir
	for _, empty := range []*json.RawMessage{&then.BriefSpec, &then.RequirementAnswers} {
		if string(*empty) == "null" {
			*empty = nil
		}
	}
	return then
}

// newRequest returns the request of a call that the provider does not know yet:
// with the pictures, and with the prompt. A call that has begun is not held up.
func (r *run) newRequest(ctx context.Context, resumed *order.Call) (generate.Request, error) {
	req, err := r.request(ctx)
	if err != nil {
		return req, err
	}
	if resumed == nil {
		if err := r.sentBackBlind(ctx, req); err != nil {
			return req, err
		}
	}
	if req.References, req.Notes, err = r.references(ctx); err != nil {
		return req, err
	}
	ours, err := r.startingPictures(ctx)
	if err != nil {
		return req, err
	}
	req.References = append(ours, req.References...)
	if req.Prompt, err = r.prompt(ctx, req); err != nil {
		return req, err
	}
	req.Prompt, err = r.assistedPrompt(ctx, req, resumed != nil)
	return req, err
}

// request returns what a program learns about the order, without pictures and
// prompt.
func (r *run) request(ctx context.Context) (generate.Request, error) {
	o, s := r.order, r.service
	req := generate.Request{
		OrderID: o.ID, Round: r.job.Round, Attempt: r.job.Attempt, Brief: o.Wish(),
		BriefEnglish: o.BriefEnglish, BriefSpec: o.BriefSpec,
		ReferenceURLs: o.ReferenceURLs, ReferenceImages: o.ReferenceImages, RequirementAnswers: o.Answers,
		Service:   generate.Service{Title: s.Title, Category: s.Category, Deliverables: s.Deliverables},
		OutputDir: r.dir,
	}
	if r.job.Kind != order.KindDelivery {
		req.Round = 0
	}
	err := r.putTakes(ctx, &req)
	if err == nil {
		err = r.putProblems(ctx, &req)
	}
	if err != nil {
		return req, err
	}
	if req.PreviousDeliverables, err = r.previous(ctx, req.Round); err != nil {
		return req, err
	}
	if r.job.Kind == order.KindPiece {
		if req.Piece, req.Ask, err = r.piece(ctx, r.job); err != nil {
			return req, err
		}
	}
	if r.job.Kind != order.KindQuote { // there is no thread before the order is paid
		if req.Messages, err = r.thread(ctx, req.Round); err != nil {
			return req, marketFailure(err)
		}
	}
	return req, nil
}

// prompt puts the order into one text.
func (r *run) prompt(ctx context.Context, req generate.Request) (string, error) {
	feedback, err := r.feedback(ctx, req)
	if err != nil {
		return "", err
	}
	answers := prompt.Answers(req.RequirementAnswers)
	wish := strings.TrimSpace(req.Wish())
	if wish == "" && len(answers) == 0 {
		wish = said(req.Messages) // the client may have answered in the thread
	}
	text, err := cmp.Or(r.service.Prompt, prompt.Default).Write(prompt.Data{
		Wish: wish, Brief: req.Brief,
		BriefEnglish: req.BriefEnglish, BriefSpec: prompt.Spec(req.BriefSpec),
		Answers: answers, Feedback: feedback, Instructions: req.Instructions, Problems: req.Problems, Round: req.Round, Piece: req.Piece,
		Service: r.service.Title, Notes: req.Notes,
	})
	if err != nil {
		return "", order.Failf(order.Hold, order.CodePrompt, "the service's prompt cannot be written for this order: %w", err).
			WithHint("correct the prompt of the service and run %s; work resumes by itself", order.Command("reload"))
	}
	return text, nil
}

// said returns all that the client wrote in a thread.
func said(thread []generate.Message) string {
	var texts []string
	for _, m := range thread {
		if m.From == string(order.PartyClient) {
			texts = append(texts, m.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// feedback returns what the client wrote since the last round was delivered.
func (r *run) feedback(ctx context.Context, req generate.Request) ([]string, error) {
	if req.Round == 0 {
		return nil, nil
	}
	last, _, err := r.o.Store.Delivery(ctx, req.OrderID, req.Round-1)
	if err != nil {
		return nil, err
	}
	since := last.SentAt
	if last.State == order.DeliveryElsewhere {
		since = r.order.DeliveredAt // SentAt is when it was noticed, perhaps after the feedback
	}
	var texts []string
	for _, m := range req.Messages {
		if m.From == string(order.PartyClient) && !m.At.Before(since) {
			texts = append(texts, m.Text)
		}
	}
	return texts, nil
}

// thread returns the messages of the order, with what webhooks have added. A first
// round uses those that are stored. In a later one they say what was wrong,
// so the work waits for them.
func (r *run) thread(ctx context.Context, round int) ([]generate.Message, error) {
	list, err := r.o.Market.Messages(ctx, r.order.ID)
	if err == nil {
		list, err = r.o.Store.MergeThread(ctx, r.order.ID, list)
	} else if fail, ok := errors.AsType[*order.Failure](err); ok && fail.Code == order.CodeThreadTooLarge && !r.job.ByOwner {
		return nil, err // the client may have said more than the brief; the owner decides
	} else if round == 0 || ok && (fail.Class == order.Fail || fail.Code == order.CodeThreadTooLarge) {
		r.o.Log.Debug("messages not read", "order", r.order.ID, "error", err)
		list, err = r.o.Store.Thread(ctx, r.order.ID)
	}
	if err != nil {
		return nil, err
	}
	var messages []generate.Message
	for _, m := range list {
		messages = append(messages, generate.Message{From: string(m.Party), Text: m.Text, At: m.At})
	}
	return messages, nil
}

// previous returns the links of the last round, for a generator to improve on.
func (r *run) previous(ctx context.Context, round int) ([]string, error) {
	if round == 0 {
		return nil, nil
	}
	files, err := r.o.Store.Artifacts(ctx, r.order.ID, order.KindDelivery, round-1)
	if err != nil {
		return nil, err
	}
	var links []string
	for _, a := range files {
		links = append(links, a.URL)
	}
	return links, nil
}
