package natsq

import (
	"fmt"
	"strings"
)

// This file says which subjects each side needs. A server refuses all others.

// Permissions are the subjects to which a side may publish and subscribe.
type Permissions struct{ Publish, Subscribe []string }

const api = "$JS.API."

// reads are the subjects that read all of a stream: the newest message of each subject, and
// all messages in order. It changes nothing.
func reads(stream string) []string {
	return []string{
		api + "STREAM.INFO." + stream, api + "DIRECT.GET." + stream + ".>", api + "CONSUMER.CREATE." + stream + ".>",
		api + "CONSUMER.INFO." + stream + ".>", api + "CONSUMER.DELETE." + stream + ".>", "$JS.FC." + stream + ".>",
	}
}

// files are the subjects that store and remove the files of a bucket.
func files(bucket string) []string {
	return []string{"$O." + bucket + ".>", api + "STREAM.PURGE.OBJ_" + bucket}
}

// WorkerPermissions returns what a worker of the routes needs, and no more: it can read
// neither the calls, the records nor the files of other routes, and changes no setup.
func WorkerPermissions(name string, routes []string) Permissions {
	p := Permissions{
		Publish:   []string{api + "STREAM.INFO.KV_" + BucketState, api + "STREAM.INFO.KV_" + BucketWorkers},
		Subscribe: []string{inbox(name) + ".>"},
	}
	for _, route := range routes {
		queue, in, out := StreamJobs+"."+route, BucketIn(route), BucketOut(route)
		p.Publish = append(p.Publish,
			api+"CONSUMER.INFO."+queue, api+"CONSUMER.MSG.NEXT."+queue, "$JS.ACK."+queue+".>",
			api+"DIRECT.GET.KV_"+BucketState+".$KV."+BucketState+"."+route+".*", "$KV."+BucketState+"."+route+".*",
			"$KV."+BucketWorkers+"."+route+"."+name)
		p.Publish = append(p.Publish, reads("OBJ_"+in)...)
		p.Publish = append(p.Publish, api+"STREAM.INFO.OBJ_"+out, api+"DIRECT.GET.OBJ_"+out+".>")
		p.Publish = append(p.Publish, files(out)...)
	}
	return p
}

// Uses say what an agent uses NATS for.
type Uses struct {
	// Agent is its id.
	Agent string
	// Routes are those whose calls it hands out.
	Routes []string
	// Lease means that it keeps a lease, Requests that it shares its request budget with
	// others.
	Lease, Requests bool
}

// Right is a subject that a side publishes to, which may have wildcards.
type Right struct {
	Subject string
	// For is what the side cannot do without it.
	For string
	// Check: only a check needs it.
	Check bool
}

// rights returns what an agent publishes to.
func (u Uses) rights() []Right {
	var list []Right
	add := func(what string, subjects ...string) {
		for _, s := range subjects {
			list = append(list, Right{Subject: s, For: what})
		}
	}
	records := "KV_" + BucketState
	add("look at the queue and the records", api+"STREAM.INFO."+StreamJobs, api+"STREAM.INFO."+records, api+"STREAM.MSG.GET."+records)
	if u.Lease {
		add("hold the lease", kept(BucketAgents, "lease.*")...)
	}
	if u.Requests {
		add("count requests with other agents", kept(BucketRequests, countKey)...)
	}
	add("see the workers", reads("KV_"+BucketWorkers)...)
	for _, route := range u.Routes {
		of, in, out := " of route "+route, BucketIn(route), BucketOut(route)
		add("hand out calls"+of, "gen.job.*."+route)
		list = append(list, Right{Subject: queueOf(route), For: "see whether there is a queue" + of, Check: true})
		add("read and write the records"+of, api+"DIRECT.GET."+records+".$KV."+BucketState+"."+route+".*", "$KV."+BucketState+"."+route+".*")
		add("store pictures"+of, api+"STREAM.INFO.OBJ_"+in, api+"DIRECT.GET.OBJ_"+in+".>")
		add("store pictures"+of, files(in)...)
		add("fetch results"+of, reads("OBJ_"+out)...)
		add("remove results"+of, files(out)...)
	}
	return list
}

// kept are the subjects that read and change a text in a bucket.
func kept(bucket, key string) []string {
	return []string{api + "STREAM.INFO.KV_" + bucket, api + "DIRECT.GET.KV_" + bucket + ".$KV." + bucket + "." + key, "$KV." + bucket + "." + key}
}

// queueOf is the subject that asks about the queue of a route.
func queueOf(route string) string { return api + "CONSUMER.INFO." + StreamJobs + "." + route }

// AgentPermissions returns what an agent that hands out calls of the routes needs, and no more:
// it can take no call from a queue, shows no worker, and changes no setup.
func AgentPermissions(name string, routes []string) Permissions {
	p := Permissions{Subscribe: []string{inbox(name) + ".>"}}
	for _, r := range (Uses{Routes: routes, Lease: true, Requests: true}).rights() {
		p.Publish = append(p.Publish, r.Subject)
	}
	return p
}

// SetupPermissions returns what Setup needs.
func SetupPermissions(name string) Permissions {
	return Permissions{
		Publish: []string{
			api + "INFO", api + "STREAM.INFO.*", api + "STREAM.CREATE.*", api + "STREAM.UPDATE.*",
			api + "CONSUMER.INFO." + StreamJobs + ".*", api + "CONSUMER.CREATE." + StreamJobs + ".>",
		},
		Subscribe: []string{inbox(name) + ".>"},
	}
}

// Block returns the entry of a user for the configuration of the server.
func (p Permissions) Block(comment, public string) string {
	quoted := func(list []string) string { return "\"" + strings.Join(list, "\",\n        \"") + "\"" }
	return fmt.Sprintf("# %s\n{ nkey: %s, permissions: {\n    publish: { allow: [\n        %s\n    ] }\n    subscribe: { allow: [\n        %s\n    ] }\n} }\n",
		comment, public, quoted(p.Publish), quoted(p.Subscribe))
}
