package natsq

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
)

// This file finds out which rights an agent lacks. It changes nothing at the servers.

// nobody stands for a call, a file or a consumer that is not there.
const nobody = "atelierd-doctor"

// Lacking are the rights that a side needs and does not have.
type Lacking struct {
	// Answers is the subject at which it gets no answers, or empty. Without answers nothing
	// else works.
	Answers string
	Rights  []Right
}

// Lacks reports whether a right is not there.
func (l Lacking) Lacks(subject string) bool {
	return slices.ContainsFunc(l.Rights, func(r Right) bool { return r.Subject == subject })
}

// Lacking returns the rights that the agent lacks at the servers. It sends what each right is
// for in a form that the servers refuse or that concerns nothing.
func (q *Queue) Lacking(ctx context.Context, u Uses) (Lacking, error) {
	var l Lacking
	var sub *nats.Subscription
	refused, err := q.refuses(ctx, func() (err error) {
		sub, err = q.nc.SubscribeSync(q.inbox + "." + nobody)
		return err
	})
	if err != nil {
		return l, err
	}
	defer func() { _ = sub.Unsubscribe() }() // a refused one is not there
	if refused {
		l.Answers = q.inbox + ".>"
	}
	for _, r := range u.rights() {
		for _, subject := range examples(r.Subject, token(u.Agent)) {
			refused, err := q.refuses(ctx, func() error { return q.nc.PublishMsg(harmless(subject)) })
			if err != nil {
				return l, err
			}
			if refused && !l.Lacks(r.Subject) {
				l.Rights = append(l.Rights, r)
			}
		}
	}
	return l, nil
}

// refuses sends something, and reports whether the key lacks the right to.
// The server says so before it answers the flush.
func (q *Queue) refuses(ctx context.Context, send func() error) (bool, error) {
	ctx, cancel := q.within(ctx)
	defer cancel()
	before := q.nc.LastError()
	if err := send(); err != nil {
		return false, err
	}
	if err := q.nc.FlushWithContext(ctx); err != nil {
		return false, err
	}
	err := q.nc.LastError()
	return !errors.Is(err, before) && errors.Is(err, nats.ErrPermissionViolation), nil
}

// harmless returns a message that changes nothing: a stream that takes messages of the subject
// refuses it, because it is not the stream that the message expects, and a request is not
// valid or concerns nothing.
func harmless(subject string) *nats.Msg {
	msg := nats.NewMsg(subject)
	purged, purges := strings.CutPrefix(subject, api+"STREAM.PURGE.OBJ_")
	switch {
	case purges:
		msg.Data = []byte(`{"filter":"$O.` + purged + ".C." + nobody + `"}`) // without a filter all would go
	case strings.HasPrefix(subject, api+"CONSUMER.CREATE."):
		msg.Data = []byte("{")
	case !strings.HasPrefix(subject, "$JS."):
		msg.Header.Set("Nats-Expected-Stream", nobody)
	}
	return msg
}

// examples returns subjects without wildcards that stand for a right of an agent.
func examples(right, agent string) []string {
	if strings.HasPrefix(right, "gen.job.*.") || strings.HasSuffix(right, ".lease.*") {
		return []string{strings.ReplaceAll(right, "*", agent)}
	}
	open, many := strings.CutSuffix(right, ".>")
	bucket, ofFiles := strings.CutPrefix(open, "$O.")
	read, reading := strings.CutPrefix(open, api+"DIRECT.GET.")
	kept, _ := strings.CutPrefix(read, "OBJ_")
	switch {
	case !many:
		return []string{strings.ReplaceAll(right, "*", nobody)}
	case ofFiles:
		return []string{"$O." + bucket + ".C." + nobody, "$O." + bucket + ".M." + nobody}
	case reading && kept != read:
		return []string{open + ".$O." + kept + ".M." + nobody}
	case reading:
		return []string{open + ".$KV." + strings.TrimPrefix(read, "KV_") + "." + nobody}
	case strings.HasPrefix(right, api+"CONSUMER.CREATE."), strings.HasPrefix(right, "$JS.FC."):
		return []string{open + "." + nobody + ".x"}
	}
	return []string{open + "." + nobody}
}
