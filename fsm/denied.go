package fsm

import (
	"tinyurl/fsm/access"
	"tinyurl/fsm/command"
	"tinyurl/fsm/link"
)

// deny puts a host on the list of denied ones. One that is there stays as it is.
func (e *entry) deny(c command.Deny) (command.Result, error) {
	d := access.Denied{Host: c.Host, Reason: c.Reason, CreatedAt: e.stamp}
	if d.Check() != nil {
		return refused(link.ErrInvalidField), nil
	}
	if _, found, err := e.batch.Denied().Get(d.Host); err != nil || found {
		return command.Result{Found: found}, err
	}
	if n, err := e.batch.Denied().Len(); err != nil || n >= access.MaxDenied {
		return refused(link.ErrFull), err
	}
	return command.Result{}, e.batch.Denied().Put(d)
}

// refuseDenied gives link.ErrTargetDenied for the host of a target to which no link may lead.
func (e *entry) refuseDenied(host string) (refusal, err error) {
	if host == "" {
		return nil, nil
	}
	if denied, err := e.batch.IsDenied(host); err != nil || denied {
		return link.ErrTargetDenied, err
	}
	return nil, nil
}

// report counts what a visitor says of a link.
func (e *entry) report(c command.Report) (refusal, err error) {
	if access.CheckReason(c.Reason) != nil {
		return link.ErrInvalidField, nil
	}
	if _, refusal, err := e.owned(c.Code, nil); err != nil || refusal != nil {
		return refusal, err
	}
	r, found, err := e.batch.Reports().Get(string(c.Code))
	if err != nil {
		return nil, err
	}
	if !found {
		if n, err := e.batch.Reports().Len(); err != nil || n >= access.MaxReports {
			return link.ErrFull, err
		}
		r = access.Report{Code: string(c.Code), Reason: c.Reason, CreatedAt: e.stamp}
	}
	r.Count, r.UpdatedAt = min(r.Count+1, link.MaxVisitLimit), e.stamp
	return nil, e.batch.Reports().Put(r)
}
