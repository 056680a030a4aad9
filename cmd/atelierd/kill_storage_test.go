package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"atelierd/internal/sandbox"
)

// The program dies around a put into the owner's storage. The next life puts the same
// object, and the order is delivered once with a link that shows it.
func TestAKillAroundAPutLeavesOneObject(t *testing.T) {
	t.Parallel()
	for _, point := range []string{
		"before:object", "after:object", "before:storage.put", "after:storage.put", "after:storage.compared", "before:uploaded", "after:uploaded",
	} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			web := httptest.NewServer(http.FileServer(http.Dir(folder)))
			t.Cleanup(web.Close)
			s := newFixtureWith(t, sandbox.Options{Seed: 1}, programGenerator+fmt.Sprintf("[storage]\ntype = \"folder\"\npath = %q\npublic_url = %q\n", folder, web.URL))
			s.place(1)
			s.startAndDie(point)
			again := s.start()
			s.await(again)
			s.stop(again)
			names, err := os.ReadDir(folder)
			if err != nil || len(names) != 1 {
				t.Fatalf("stored are %v, %v", names, err)
			}
			o := s.market.Orders()[0]
			if len(o.Deliveries) != 1 || o.Deliveries[0].URLs[0] != web.URL+"/"+names[0].Name() || len(s.market.Files()) != 0 {
				t.Errorf("delivered %+v; at the marketplace are %d files", o.Deliveries, len(s.market.Files()))
			}
		})
	}
}
