package main_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"atelierd/internal/store"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs testdata/*.txtar with the real program as atelierd. The name
// of a script says what it guards. A script asserts exit codes, states, ids,
// amounts and the command or key in a hint, and leaves the prose free.
//
// Besides testscript's own commands there are:
//
//	market [moved|owned|hooks]   start a marketplace with one agent
//	order BRIEF [STATUS]         have a client place an order, and set ORDER
//	client ACT [ARG...]          have the client act on ORDER, or look at it
//	await WHAT                   wait until the daemon has done something
//	there WHAT COUNT [TEXT...]   assert what the marketplace has of the agent
//	exits CODE COMMAND...        run a command that must exit with the code
//	future FOLDER                make a database look newer than the program
//	past FOLDER TIME             make the work in a database look older
//	prune FOLDER                 delete the attempts and calls in a database
//	lock FOLDER, unlock          let no other process write to a database
//	fault METHOD PATH WHEN WHAT  have the next such request to the marketplace fail
//	provider [strict]            start a provider that charges, and set PROVIDER
//	model TEXT                   start a language model that answers TEXT, and set MODEL
//	charges COUNT                assert how many jobs the provider was paid for
//	port NAME                    set NAME to a free address
//	serves URL                   wait until a server of the script answers
//	hook EVENT BYTES             send the daemon a webhook with an order id of that many bytes
//	monitor                      set MONITOR to a server that lists its calls in the file calls
//	http METHOD URL [BODY]       send a request, and write its answer to the file answer
//
// Each is explained at its function. The condition [bwrap] holds where programs can be
// isolated, and [root] where they can run as another user.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values[marketKey{}] = &testMarket{answered: make(chan struct{})}
			e.Values[lockKey{}] = new(func())
			e.Values[providerKey{}] = new(*charging)
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TZ", "UTC")
			e.Setenv("PATH", filepath.Dir(program)+string(os.PathListSeparator)+e.Getenv("PATH"))
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "bwrap":
				return exec.Command("bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "true").Run() == nil, nil
			case "mounts":
				return exec.Command("unshare", "-m", "mount", "-t", "tmpfs", "none", os.TempDir()).Run() == nil, nil
			case "root":
				as := exec.Command("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "test", "-x", os.TempDir())
				return os.Geteuid() == 0 && as.Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %s", name)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"market":   scriptMarket,
			"order":    scriptOrder,
			"profile":  scriptProfile,
			"client":   scriptClient,
			"await":    scriptAwait,
			"there":    scriptThere,
			"exits":    scriptExits,
			"sqlite3":  scriptSQLite,
			"future":   scriptFuture,
			"past":     scriptPast,
			"age":      scriptAge,
			"lock":     scriptLock,
			"unlock":   scriptUnlock,
			"fault":    scriptFault,
			"provider": scriptProvider,
			"model":    scriptModel,
			"charges":  scriptCharges,
			"port":     scriptPort,
			"serves":   scriptServes,
			"http":     scriptHTTP,
			"visit":    scriptVisit,
			"monitor":  scriptMonitor,
			"hook":     scriptHook,
			"publish":  scriptPublish,
			"nats":     scriptNATS,
		},
	})
}

// scriptExits runs a command that must exit with the code: exits CODE COMMAND...
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command...")
	}
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended interface{ ExitCode() int }
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		code = ended.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s exits with %d, not with %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// scriptSQLite runs the shell of SQLite on a file: sqlite3 FILE SQL. It waits for the lock of a
// daemon, which the shell does not do by itself.
func scriptSQLite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sqlite3 file sql")
	}
	ts.Check(ts.Exec("sqlite3", "-cmd", ".timeout 60000", args[0], args[1]))
}

// scriptFuture gives the database in a folder a version that the program does
// not know: future FOLDER.
func scriptFuture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: future folder")
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(ts.MkAbs(args[0]), store.FileName)+"?_pragma=busy_timeout(60000)")
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	ts.Check(err)
}
