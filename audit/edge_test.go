package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// naiveRoot is RFC 6962, section 2.1, as it is written there.
func naiveRoot(leaves [][]byte) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := naiveRoot(leaves[:k]), naiveRoot(leaves[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
}

// vectors are the leaves and roots of the tests of Certificate Transparency.
var vectors = []struct{ leaf, root string }{
	{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
}

func TestEdgeOfKnownTree(t *testing.T) {
	var e edge
	for i, v := range vectors {
		leaf, err := hex.DecodeString(v.leaf)
		if err != nil {
			t.Fatal(err)
		}
		e.add(LeafHash(leaf), func(_ int, h Hash) Hash { return h })
		if root := e.root(); hex.EncodeToString(root[:]) != v.root {
			t.Errorf("the root of the first %d leaves is %x", i+1, root)
		}
	}
}

// The edge gives the roots of the RFC and the stored hashes of tlog.
func TestEdge(t *testing.T) {
	var e edge
	var leaves [][]byte
	var kept, want []Hash
	reader := tlog.HashReaderFunc(func(positions []int64) (out []Hash, err error) {
		for _, p := range positions {
			out = append(out, want[p])
		}
		return out, nil
	})
	for n := range 300 {
		if root := e.root(); root != naiveRoot(leaves) || e.size != int64(n) {
			t.Fatalf("size %d: root %x", n, root)
		}
		leaf := []byte{byte(n), byte(n >> 8)}
		e.add(LeafHash(leaf), func(level int, h Hash) Hash {
			if at := tlog.StoredHashIndex(level, int64(n)>>level); at != int64(len(kept)) {
				t.Fatalf("leaf %d, level %d: position %d and not %d", n, level, len(kept), at)
			}
			kept = append(kept, h)
			return h
		})
		more, err := tlog.StoredHashes(int64(n), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		leaves, want = append(leaves, leaf), append(want, more...)
	}
	if !slices.Equal(kept, want) {
		t.Error("other stored hashes than those of tlog")
	}
}

func TestIndexSet(t *testing.T) {
	s := indexSet{}
	in := []int64{0, 1, 63, 64, 4095, 4096, 1 << 40, 1<<40 + 1}
	for _, i := range in {
		s.add(i)
	}
	var out []int64
	s.each(func(i int64) { out = append(out, i) })
	if !slices.Equal(in, out) {
		t.Error(out)
	}
	for _, i := range in {
		if !s.remove(i) || s.remove(i) {
			t.Errorf("%d was not there, or twice", i)
		}
	}
	s.each(func(i int64) { t.Errorf("%d is still there", i) })
}
