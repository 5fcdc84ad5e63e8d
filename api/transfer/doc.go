// Package transfer owns the files that links come from and go to: one reader for the exports of other URL shorteners and of
// this one, and the writers of our own. It changes between files and rows and nothing else: what a row may become is for the
// caller to judge, so codes and long URLs are handed on as they stand in the file.
//
// Both directions are streams. A row is at most MaxRow bytes, and that is all that is kept in memory however long the file
// is. A row that cannot be read is an error of its own and the next one follows; only a file that makes no sense as a whole,
// or that stops coming, ends the reading.
package transfer
