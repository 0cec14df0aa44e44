package audit_test

import (
	"context"
	"errors"
	"hash/fnv"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/changelane/changelane/audit"
)

var errBroken = errors.New("the disk is broken")

// failing is a store whose n-th call fails, or whose iterator then breaks off.
type failing struct {
	audit.Store
	n int
}

func (f *failing) fails() bool {
	f.n--
	return f.n == 0
}

func (f *failing) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	if f.fails() {
		return audit.LogState{}, errBroken
	}
	return f.Store.Log(ctx, tenant, positions)
}

func (f *failing) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	if f.fails() {
		return audit.Loaded{}, errBroken
	}
	return f.Store.Load(ctx, r)
}

func (f *failing) Claim(ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	if f.fails() {
		return audit.Claimed{}, errBroken
	}
	return f.Store.Claim(ctx, r)
}

func (f *failing) Settle(ctx context.Context, s audit.Settlement) error {
	if f.fails() {
		return errBroken
	}
	return f.Store.Settle(ctx, s)
}

func (f *failing) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return breakOff(f, f.Store.List(ctx, r))
}

func (f *failing) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return breakOff(f, f.Store.Events(ctx, r))
}

func breakOff[T any](f *failing, items iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for item, err := range items {
			if f.fails() {
				var none T
				yield(none, errBroken)
				return
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// Wherever a store fails, that is an error, and never a good result.
func TestFailingStore(t *testing.T) {
	for name, run := range map[string]func(s audit.Store, k audit.Signer) (fine bool, err error){
		"verify": func(s audit.Store, k audit.Signer) (bool, error) {
			r, err := audit.Verify(t.Context(), s, "acme", &audit.VerifyOptions{Verifier: k, Rebuild: rebuild})
			return r.OK(), err
		},
		"sequence": func(s audit.Store, k audit.Signer) (bool, error) {
			p, err := audit.Sequence(t.Context(), s, "acme", k, nil)
			return p.Size == 12, err
		},
		"prove": func(s audit.Store, k audit.Signer) (bool, error) {
			p, err := audit.Prove(t.Context(), s, "acme", 3)
			return p.Path != nil, err
		},
		"prove consistency": func(s audit.Store, k audit.Signer) (bool, error) {
			p, err := audit.ProveConsistency(t.Context(), s, "acme", 3)
			return p.Path != nil, err
		},
	} {
		for n := 1; ; n++ {
			s, k := written(t, "acme", 2)
			f := &failing{s, n}
			fine, err := run(f, k)
			if f.n > 0 { // it did not come to the failure
				if err != nil || !fine || n < 3 {
					t.Errorf("%s without a failure after %d calls: %v", name, n, err)
				}
				break
			}
			if !errors.Is(err, errBroken) {
				t.Errorf("%s with a failure at call %d: %v", name, n, err)
			}
		}
	}
}

// short gives fewer hashes than it is asked for.
type short struct{ audit.Store }

func (s short) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	state, err := s.Store.Log(ctx, tenant, positions)
	state.Hashes = nil
	return state, err
}

func TestStoreWithoutHashes(t *testing.T) {
	s, k := written(t, "acme", 2)
	if _, err := audit.Prove(t.Context(), short{s}, "acme", 3); !errors.Is(err, audit.ErrTampered) {
		t.Error(err)
	}
	if _, err := audit.Sequence(t.Context(), short{s}, "acme", k, nil); !errors.Is(err, audit.ErrTampered) {
		t.Error(err)
	}
	if r := verify(t, short{s}, audit.VerifyOptions{Verifier: k}); r.OK() || !strings.Contains(r.String(), "does not give the stored hashes") {
		t.Error(r)
	}
}

// What is written while Verify runs is no problem.
func TestVerifyWhileOthersWrite(t *testing.T) {
	s, k := written(t, "acme", 2)
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for runs := 0; ; runs++ {
			select {
			case <-done:
				if runs == 0 {
					t.Error("nothing was verified meanwhile")
				}
				return
			default:
			}
			r, err := audit.Verify(context.Background(), s, "acme", &audit.VerifyOptions{Verifier: k, Rebuild: rebuild})
			if err != nil || !r.OK() {
				t.Error(r, err)
			}
		}
	})
	for i := range 500 {
		write(t, s, caseKey("acme", string(rune('a'+i%8))))
		if i%5 == 0 {
			_, err := audit.Sequence(t.Context(), s, "acme", k, nil)
			must(t, err)
		}
	}
	close(done)
	wait.Wait()
}

func TestShard(t *testing.T) {
	seen := map[int]bool{}
	for _, id := range strings.Split("abcdefghijklmnopqrstuvwxyzäöü", "") {
		k := caseKey("acme", id)
		h := fnv.New64a()
		for _, s := range []string{k.Tenant, k.Kind, k.ID} {
			h.Write(append([]byte(s), 0xff)) // which no UTF-8 has
		}
		if got := audit.Shard(k); got != int(h.Sum64()%audit.Shards) {
			t.Errorf("%s is in shard %d", k, got)
		}
		seen[audit.Shard(k)] = true
	}
	if len(seen) < audit.Shards/2 {
		t.Errorf("29 records are in %d shards", len(seen))
	}
}

func TestErrors(t *testing.T) {
	k := audit.Key{Tenant: "acme", Kind: "case", ID: "c\n1"}
	for _, test := range []struct {
		err, is error
		text    string
	}{
		{&audit.StaleError{Key: k, Want: 2, Have: 3}, audit.ErrStale, `case "c\n1" is at version 3 and not 2: the record has moved on`},
		{&audit.CommandReusedError{Command: "x"}, audit.ErrCommandReused, `the idempotency key was used for something else: "x"`},
		{&audit.InvalidError{What: "no"}, audit.ErrInvalid, "no"},
		{&audit.TamperedError{Key: k, Seq: 4, What: "gone"}, audit.ErrTampered, `the record is not as it was written: event 4 of case "c\n1": gone`},
		{&audit.LogError{Index: -1, What: "gone"}, audit.ErrTampered, "the log is not as it was written: gone"},
		{&audit.LogError{Index: 4, What: "gone"}, audit.ErrTampered, "the log is not as it was written: entry 4: gone"},
		{&audit.FormatError{Of: "event", At: 4, What: "no"}, nil, "event, byte 4: no"},
	} {
		if test.err.Error() != test.text || test.is != nil && !errors.Is(test.err, test.is) || errors.Is(test.err, audit.ErrLeased) {
			t.Errorf("%q", test.err)
		}
	}
}
