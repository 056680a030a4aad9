package natsq_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"atelierd/internal/fence"
	"atelierd/internal/natsq"
	"atelierd/internal/natsq/natstest"
	"atelierd/internal/secret"
)

// restricted returns a user of the server with these rights, and how to connect as one.
func restricted(t *testing.T, publish, subscribe []string) (*server.NkeyUser, natsq.Options) {
	t.Helper()
	seed, public, err := natsq.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	may := &server.Permissions{Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: subscribe}}
	return &server.NkeyUser{Nkey: public, Permissions: may}, natsq.Options{Name: "agent", Seed: func() (secret.Text, error) { return secret.New(seed), nil }}
}

// TestEachRightThatAnAgentLacksIsNamed has a user for each right, who lacks it alone.
func TestEachRightThatAnAgentLacksIsNamed(t *testing.T) {
	t.Parallel()
	uses := natsq.Uses{Agent: "ag.1", Routes: []string{"video", "image"}, Lease: true, Requests: true}
	all := natsq.AgentPermissions("agent", uses.Routes)
	whole, asWhole := restricted(t, all.Publish, all.Subscribe)
	deaf, asDeaf := restricted(t, all.Publish, []string{"elsewhere"})
	users, as := []*server.NkeyUser{whole, deaf}, make([]natsq.Options, len(all.Publish))
	for i := range all.Publish {
		var user *server.NkeyUser
		user, as[i] = restricted(t, slices.Delete(slices.Clone(all.Publish), i, i+1), all.Subscribe)
		users = append(users, user)
	}
	_, url := natstest.Start(t, func(o *server.Options) { o.Nkeys = users })
	open := func(o natsq.Options) *natsq.Queue { return natstest.OpenAs(t, url, o) }
	for i, subject := range all.Publish {
		got, err := open(as[i]).Lacking(t.Context(), uses)
		if err != nil || got.Answers != "" || len(got.Rights) != 1 || got.Rights[0].Subject != subject || got.Rights[0].For == "" {
			t.Errorf("without %s it lacks %+v, %v", subject, got, err)
		}
	}
	if got, err := open(asWhole).Lacking(t.Context(), uses); err != nil || got.Answers != "" || len(got.Rights) > 0 {
		t.Errorf("with all rights it lacks %+v, %v", got, err)
	}
	if got, err := open(asDeaf).Lacking(t.Context(), uses); err != nil || got.Answers != all.Subscribe[0] || len(got.Rights) > 0 {
		t.Errorf("without answers it lacks %+v, %v", got, err)
	}
}

// TestTheCheckOfRightsChangesNothing guards what is kept: the check sends what each right is for.
func TestTheCheckOfRightsChangesNothing(t *testing.T) {
	t.Parallel()
	uses := natsq.Uses{Agent: "ag.1", Routes: []string{"video"}, Lease: true, Requests: true}
	q, url := natstest.Ready(t, uses.Routes...)
	path := filepath.Join(t.TempDir(), "a.png")
	if err := os.WriteFile(path, []byte("a picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := func(_ any, err error) error { return err }
	for _, err := range []error{
		q.Publish(t.Context(), uses.Agent, "video", "k", []byte("{}")),
		second(q.Create(t.Context(), "video", "k", natsq.Record{State: natsq.Wanted})),
		second(q.PutFile(t.Context(), natsq.BucketIn("video"), natsq.Input("k", 1), path)),
		second(q.PutFile(t.Context(), natsq.BucketOut("video"), "k/1.png", path)),
		second(q.LeaseOf(uses.Agent).CreateLease(t.Context(), fence.Lease{Epoch: 1, Host: "north"})),
		second(q.Requests().Put(t.Context(), []byte("{}"), 0)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := natstest.States(t, url)
	if got, err := q.Lacking(t.Context(), uses); err != nil || got.Answers != "" || len(got.Rights) > 0 {
		t.Errorf("where everything is allowed it lacks %+v, %v", got, err)
	}
	if after := natstest.States(t, url); !maps.Equal(before, after) || len(before) != 7 {
		t.Errorf("the streams had %v and have %v", before, after)
	}
}
