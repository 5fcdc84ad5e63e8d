// Package e2e holds the end-to-end tests: the program as it is shipped, run as real processes, under load and under the
// days that go badly. Its README says how to run them long.
package e2e
