package main_test

import (
	"os"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rogpeppe/go-internal/testscript"
)

// The addresses that stand in configurations until there is a server.
const noNATS, noMonitor = "nats://127.0.0.1:1", "http://127.0.0.1:1"

// scriptNATS runs a server of NATS until the script ends, and writes its addresses into files:
// nats [-lossy] [-users FILE] FILE... A lossy one does not write each message to the disk at
// once. The users are those of a configuration.
func scriptNATS(ts *testscript.TestScript, neg bool, args []string) {
	o, lossy := &server.Options{}, false
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		if lossy = lossy || args[0] == "-lossy"; args[0] == "-users" {
			args = args[1:]
			users, err := server.ProcessConfigFile(ts.MkAbs(args[0]))
			ts.Check(err)
			o = users
		}
		args = args[1:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: nats [-lossy] [-users file] file...")
	}
	o.Host, o.Port, o.HTTPHost, o.HTTPPort = "127.0.0.1", server.RANDOM_PORT, "127.0.0.1", -1
	o.JetStream, o.StoreDir, o.SyncAlways, o.NoSigs, o.NoLog = true, ts.MkAbs("nats"), !lossy, true, true
	s, err := server.NewServer(o)
	ts.Check(err)
	s.Start()
	ts.Defer(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		ts.Fatalf("the server of NATS does not start")
	}
	for _, name := range args {
		text := strings.NewReplacer(noNATS, s.ClientURL(), noMonitor, "http://"+s.MonitorAddr().String()).Replace(ts.ReadFile(name))
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}
