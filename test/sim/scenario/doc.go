// Package scenario holds directed runs of the simulation: real nodes in virtual time on a simulated network and simulated disks,
// with each fault at a chosen moment. They are for faults of the product that chance would find too slowly, and end as the lives of
// package sim do: the judge reads what clients were told.
//
// A broken promise fails a scenario with a line "violation CHECKER after T", T in virtual time.
package scenario
