package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is what one must know of a Merkle tree to go on with it: for each bit
// in its size the root of a complete subtree, the largest on the left.
type edge struct {
	size  int64
	roots [64]Hash // by level; set where size has the bit
}

// add adds a leaf, and shows each hash that becomes complete by it with its
// level, in the order of [tlog.StoredHashIndex]. It goes on with what see
// returns.
func (e *edge) add(leaf Hash, see func(level int, h Hash) Hash) {
	h := see(0, leaf)
	level := 0
	for ; e.size>>level&1 == 1; level++ {
		h = see(level+1, tlog.NodeHash(e.roots[level], h))
	}
	e.roots[level] = h
	e.size++
}

// root is the root of the tree.
func (e *edge) root() Hash {
	if e.size == 0 {
		return sha256.Sum256(nil)
	}
	level := bits.TrailingZeros64(uint64(e.size))
	h := e.roots[level]
	for level++; e.size>>level != 0; level++ {
		if e.size>>level&1 == 1 {
			h = tlog.NodeHash(e.roots[level], h)
		}
	}
	return h
}

// readEdge reads the edge of the tree at some size out of its stored hashes.
func readEdge(ctx context.Context, s Store, tenant string, size int64) (edge, error) {
	e := edge{size: size}
	var levels []int
	var positions []int64
	for level := 0; size>>level != 0; level++ {
		if size>>level&1 == 1 {
			levels = append(levels, level)
			positions = append(positions, tlog.StoredHashIndex(level, size>>level-1))
		}
	}
	if len(levels) == 0 {
		return e, nil
	}
	hashes, err := stored{ctx, s, tenant}.ReadHashes(positions)
	if err != nil {
		return e, err
	}
	for i, level := range levels {
		e.roots[level] = hashes[i]
	}
	return e, nil
}

// readState reads how far a log has come.
func readState(ctx context.Context, s Store, tenant string) (LogState, error) {
	state, err := s.Log(ctx, tenant, nil)
	if err == nil && (state.Size < 0 || state.Size > maxSize) {
		err = &LogError{-1, fmt.Sprintf("it cannot have %d entries", state.Size)}
	}
	return state, err
}

// stored reads the stored hashes of a log; it is a [tlog.HashReader].
type stored struct {
	ctx    context.Context
	store  Store
	tenant string
}

// ReadHashes reads the hashes at these positions.
func (r stored) ReadHashes(positions []int64) ([]Hash, error) {
	state, err := r.store.Log(r.ctx, r.tenant, positions)
	if err != nil {
		return nil, err
	}
	if len(state.Hashes) != len(positions) {
		return nil, &LogError{-1, "the store does not give the stored hashes of the log"}
	}
	return state.Hashes, nil
}
