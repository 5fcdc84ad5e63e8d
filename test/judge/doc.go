// Package judge says whether a run kept the promises of DESIGN section 1, from its history alone.
//
// Every checker answers one question and has a file of its own. All of them accuse only what no cluster that keeps its
// promises could have done, whatever the unanswered requests did: an accusation is a proof, and carries the few operations it
// rests on.
//
// What is taken for granted:
//   - Only stamps order operations. Times serve the bounds of the checkers healing, deletes and answered, and the one of views.
//   - Operations of one idempotency key (with one slug and target) are tries of one create, made while the key is remembered.
//   - An unanswered write may take effect at any time after its call, or never. It certainly never did if the logs are complete
//     and none of them has it.
//   - An unanswered visit may have been counted; so may one of a deleted link that was answered Gone.
//   - A deleted link is Gone for ever and its code is never used again: NotFound after a delete took effect is a wrong answer.
//   - Nobody visits a generated code that nobody was told of. An edit leaves a link's limit as it is.
//   - The secret of an API key is in the answer that made it, and nowhere else.
//   - A redirect that finds no link, or a deleted one, proves it; one that finds a link may be late.
//   - A run is complete if it says so: then all was undone and every member told what it held, and a checker that finds nothing to
//     go by is an accusation by the checker evidence. Of any other run what is missing is only told.
//   - The state of a node goes back only when its process is a new one: see NewLife for how faults tell that.
package judge
