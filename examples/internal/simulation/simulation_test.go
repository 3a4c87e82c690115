package simulation

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestSimulationRepeats(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (ids []string) {
		synctest.Test(t, func(*testing.T) {
			s := New(seed, 10)
			ids = s.JobIDs()
			for range 500 {
				ids = append(ids, s.Step())
			}
		})
		return ids
	}
	one, same, other := strings.Join(run(1), " "), strings.Join(run(1), " "), strings.Join(run(2), " ")
	if one != same || one == other {
		t.Errorf("the same seed repeats: %v; another seed differs: %v", one == same, one != other)
	}
}
