package livetranscode

import "context"

// The template operations.
var (
	opCreateLiveTranscodeTemplate = nonIdempotentOperation("CreateLiveTranscodeTemplate")
	opGetLiveTranscodeTemplate    = idempotentOperation("GetLiveTranscodeTemplate", "TemplateId")
	opListLiveTranscodeTemplates  = idempotentOperation("ListLiveTranscodeTemplates", "")
	opUpdateLiveTranscodeTemplate = idempotentOperation("UpdateLiveTranscodeTemplate", "TemplateId")
	opDeleteLiveTranscodeTemplate = idempotentOperation("DeleteLiveTranscodeTemplate", "TemplateId")
)

// CreateLiveTranscodeTemplate creates a template. A missing or invalid field is a [*ParamError]. As in
// [Client.SubmitLiveTranscodeJob], a call is retried only if it is certain that it was not executed; otherwise the
// error is [ErrAmbiguous]: check with [Client.AllLiveTranscodeTemplates] and the name as Keyword before calling again.
//
// RAM action: ice:CreateLiveTranscodeTemplate.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-createlivetranscodetemplate
func (c *Client) CreateLiveTranscodeTemplate(ctx context.Context, req *CreateLiveTranscodeTemplateRequest) (*CreateLiveTranscodeTemplateResponse, error) {
	resp := new(CreateLiveTranscodeTemplateResponse)
	if err := c.do(ctx, opCreateLiveTranscodeTemplate, req, resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// GetLiveTranscodeTemplate returns a template. An empty templateID is a [*ParamError]. An unknown template is
// [ErrNotFound], as far as the client can tell: the service does not document its response in that case.
//
// RAM action: ice:GetLiveTranscodeTemplate.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-getlivetranscodetemplate
func (c *Client) GetLiveTranscodeTemplate(ctx context.Context, templateID string) (*GetLiveTranscodeTemplateResponse, error) {
	resp := new(GetLiveTranscodeTemplateResponse)
	if err := c.do(ctx, opGetLiveTranscodeTemplate, templateParam(templateID), resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// ListLiveTranscodeTemplates returns one page of the templates that match req; a nil req matches all templates. Pages
// shift while templates are created and deleted: use [Client.AllLiveTranscodeTemplates] to list every template. An
// invalid field is a [*ParamError].
//
// RAM action: ice:ListLiveTranscodeTemplates.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-listlivetranscodetemplates
func (c *Client) ListLiveTranscodeTemplates(ctx context.Context, req *ListLiveTranscodeTemplatesRequest) (*ListLiveTranscodeTemplatesResponse, error) {
	if req == nil {
		req = new(ListLiveTranscodeTemplatesRequest)
	}
	out := templatePage{pageHead: pageHeadOf(req.PageNo, req.PageSize)}
	if err := c.do(ctx, opListLiveTranscodeTemplates, req, &out); err != nil {
		return nil, err
	}
	return &ListLiveTranscodeTemplatesResponse{out.RequestID, max(0, int(out.TotalCount)), notNil(out.TemplateContentList)}, nil
}

// UpdateLiveTranscodeTemplate changes a template; its type cannot be changed. A missing or invalid field is a
// [*ParamError].
//
// RAM action: ice:UpdateLiveTranscodeTemplate.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-updatelivetranscodetemplate
func (c *Client) UpdateLiveTranscodeTemplate(ctx context.Context, req *UpdateLiveTranscodeTemplateRequest) (*UpdateLiveTranscodeTemplateResponse, error) {
	var out emptyResponse
	if err := c.do(ctx, opUpdateLiveTranscodeTemplate, req, &out); err != nil {
		return nil, err
	}
	return &UpdateLiveTranscodeTemplateResponse{RequestID: out.RequestID}, nil
}

// DeleteLiveTranscodeTemplate deletes a template. The service does not document what that does to jobs that use it. An
// empty templateID is a [*ParamError]. The operation is idempotent: if it is refused or not found after an earlier
// attempt of the same call whose outcome is unknown, the template is read once; if it is gone, the call succeeds, with
// the RequestID of that read.
//
// RAM action: ice:DeleteLiveTranscodeTemplate.
//
// Source: https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-deletelivetranscodetemplate
func (c *Client) DeleteLiveTranscodeTemplate(ctx context.Context, templateID string) (*DeleteLiveTranscodeTemplateResponse, error) {
	var out emptyResponse
	err := c.do(ctx, opDeleteLiveTranscodeTemplate, templateParam(templateID), &out)
	if err != nil && refusedAfterUnknown(err) {
		_, getErr := c.GetLiveTranscodeTemplate(ctx, templateID)
		if id, gone := isGone(getErr); gone {
			return &DeleteLiveTranscodeTemplateResponse{RequestID: id}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return &DeleteLiveTranscodeTemplateResponse{RequestID: out.RequestID}, nil
}
