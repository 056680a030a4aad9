package atelier

import (
	"reflect"
	"testing"
)

func TestQuestionsAreReadInEveryShape(t *testing.T) {
	t.Parallel()
	size := []Question{{Label: "Size?", Type: "select", Required: true, Options: []string{"A4", "A3"}}}
	for raw, want := range map[string][]Question{
		`[{"label":"Size?","type":"select","required":1,"options":["A4","A3"]}]`:                      size,
		`"[{\"label\":\"Size?\",\"type\":\"select\",\"required\":true,\"options\":[\"A4\",\"A3\"]}]"`: size,
		`["Size?",{"id":7}]`: {{Label: "Size?"}},
		`null`:               {},
		`"no list"`:          {},
		`{}`:                 {},
	} {
		s, err := readService([]byte(`{"id":"svc_1","requirement_fields":` + raw + `}`))
		if err != nil || !reflect.DeepEqual(s.Questions, want) {
			t.Errorf("%s: %+v, %v; want %+v", raw, s.Questions, err, want)
		}
	}
	if s, err := readService([]byte(`{"id":"svc_1"}`)); err != nil || s.Questions != nil || s.MaxRevisions != nil {
		t.Errorf("without the fields: %+v, %v", s, err)
	}
}
