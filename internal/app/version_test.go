package app

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionNamesTheReleaseOrTheCommit(t *testing.T) {
	t.Parallel()
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"}}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3":             {Main: debug.Module{Version: "v1.2.3"}, Settings: commit},
		"0123456789ab-dirty": {Main: debug.Module{Version: "(devel)"}, Settings: commit},
		"0123456789ab":       {Settings: commit[:1]},
		"unknown":            {Main: debug.Module{Version: "(devel)"}},
	} {
		if got := built(info); got != want {
			t.Errorf("%+v is version %q, want %q", info, got, want)
		}
	}
}
