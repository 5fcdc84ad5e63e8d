// Package visit owns what is kept of visits: counts, lists of the most frequent values, and a sketch of how many visitors they came
// from, by hour, day and month, with the encoding of all of it. No visitor is in it: values are classes ("Firefox", "FR"), and
// a visitor is a hash that only moves one register of a sketch. It knows neither storage nor clocks nor HTTP.
//
// # Decisions
//
//   - One type, Stats, is what a node sends for a second, what a row holds for an hour, a day or a month, and what an answer is made
//     from: all that happens to it is Merge. Every replica merges the same in the same order, so lists may forget what does not fit.
//   - Lists count visits of people alone. Bots would be most of many lists, and are one number that is shown beside.
//   - Visitors are counted by days: their hashes change at midnight (UTC), so that nobody can be followed from day to day. Over a
//     longer time the sketch counts somebody who came on three days three times, which is said wherever it is shown.
//   - A sketch has 2,048 registers: an error of 2.3 % in two of three cases, 1.5 KiB at most. Half of the error would cost four times
//     as many bytes for every hour of every link that is visited often.
package visit
