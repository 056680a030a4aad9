package natsq

import (
	"fmt"
	"strings"
)

// This file says which subjects each side needs. A server refuses all others.

// Permissions are the subjects that a side may use.
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

// AgentPermissions returns what an agent that hands out calls of the routes needs, and no more:
// it can take no call from a queue, shows no worker, and changes no setup.
func AgentPermissions(name string, routes []string) Permissions {
	records := "KV_" + BucketState
	p := Permissions{
		Publish: []string{
			api + "STREAM.INFO." + StreamJobs, api + "STREAM.INFO." + records, api + "STREAM.MSG.GET." + records,
			api + "STREAM.INFO.KV_" + BucketAgents, api + "DIRECT.GET.KV_" + BucketAgents + ".$KV." + BucketAgents + ".lease.*", "$KV." + BucketAgents + ".lease.*",
			api + "STREAM.INFO.KV_" + BucketRequests, api + "DIRECT.GET.KV_" + BucketRequests + ".$KV." + BucketRequests + "." + countKey, "$KV." + BucketRequests + "." + countKey,
		},
		Subscribe: []string{inbox(name) + ".>"},
	}
	p.Publish = append(p.Publish, reads("KV_"+BucketWorkers)...)
	for _, route := range routes {
		in, out := BucketIn(route), BucketOut(route)
		p.Publish = append(p.Publish, "gen.job.*."+route,
			api+"DIRECT.GET."+records+".$KV."+BucketState+"."+route+".*", "$KV."+BucketState+"."+route+".*",
			api+"STREAM.INFO.OBJ_"+in, api+"DIRECT.GET.OBJ_"+in+".>")
		p.Publish = append(p.Publish, files(in)...)
		p.Publish = append(p.Publish, reads("OBJ_"+out)...)
		p.Publish = append(p.Publish, files(out)...)
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
