package sqldb

import "context"

// sparePages is how much room is left for what comes next: 512 KiB.
const sparePages = 128

// Shrink gives back to the disk what deleted rows have left in SQLite's file, when
// that is more than a twentieth of it. It goes in small steps, between which others
// write. PostgreSQL uses such room again by itself.
func (db *DB) Shrink(ctx context.Context) error {
	if db.engine != SQLite {
		return nil
	}
	for {
		free, all, err := db.pages(ctx)
		if err != nil || free <= max(sparePages, all/20) {
			return err
		}
		err = db.Write(ctx, func(tx *Tx) error {
			_, err := tx.Exec(ctx, `PRAGMA incremental_vacuum(128)`) // pages
			return err
		})
		if err != nil {
			return err
		}
		// A file that was made before this was possible stays as it is.
		if left, _, err := db.pages(ctx); err != nil || left >= free {
			return err
		}
	}
}

// pages returns how many pages of the file are unused, and how many there are.
func (db *DB) pages(ctx context.Context) (free, all int64, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		if err := tx.QueryRow(ctx, `PRAGMA freelist_count`).Scan(&free); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `PRAGMA page_count`).Scan(&all)
	})
	return free, all, err
}
