package sqlstore

import (
	"database/sql"
	"errors"

	"github.com/changelane/changelane/audit"
)

// maxPageBytes bounds a page beside [audit.MaxPage]: a thousand rows could have
// gigabytes.
const maxPageBytes = 8 << 20

// item is what a row gave: a value, or as much of one as could be read and what
// is wrong with the row, which is an [audit.ErrTampered].
type item[T any] struct {
	value T
	err   error
}

// itemOf is an item, unless the error is not about the row.
func itemOf[T any](value T, size int, err error) (item[T], int, error) {
	if err != nil && !errors.Is(err, audit.ErrTampered) {
		return item[T]{}, 0, err
	}
	return item[T]{value, err}, size, nil
}

// errNoProgress ends a reading that would come by the same rows for ever.
var errNoProgress = errors.New("the rows of a table are not in the order of its index: the database is damaged")

// collect reads at most so many rows, and no more when they have many bytes. It
// tells whether it has read all that the query gives.
func collect[T any](rows *sql.Rows, most int, scan func() (T, int, error)) (page []T, whole bool, err error) {
	defer rows.Close()
	for bytes := 0; bytes < maxPageBytes; {
		if !rows.Next() {
			return page, len(page) < most, rows.Err()
		}
		one, size, err := scan()
		if err != nil {
			return nil, false, err
		}
		page, bytes = append(page, one), bytes+size
	}
	return page, false, rows.Close()
}

// paged yields what read gives, page by page, until it has read all or the
// limit is reached; 0 is none. It yields damage, which the limit does not count,
// and goes on; any other error is the last that it yields. Nothing is held while
// the caller works.
func paged[T any](limit int, yield func(T, error) bool, read func(most int) (page []item[T], whole bool, err error)) {
	for given := 0; ; {
		most := audit.MaxPage
		if limit > 0 {
			most = min(most, limit-given)
		}
		page, whole, err := read(most)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, one := range page {
			if !yield(one.value, one.err) {
				return
			}
			if one.err == nil {
				given++
			}
		}
		if whole || limit > 0 && given == limit {
			return
		}
	}
}
