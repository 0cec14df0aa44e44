package sqlstore

import (
	"database/sql"

	"github.com/changelane/changelane/audit"
)

// maxPageBytes bounds a page beside [audit.MaxPage]: a thousand rows could have
// gigabytes.
const maxPageBytes = 8 << 20

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
// limit is reached; 0 is none. Nothing is held while the caller works.
func paged[T any](limit int, yield func(T, error) bool, read func(most int) (page []T, whole bool, err error)) {
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
			if !yield(one, nil) {
				return
			}
		}
		given += len(page)
		if whole || given == limit {
			return
		}
	}
}
