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

// CreateLiveTranscodeTemplate creates a template. A field that is missing or invalid is a
// *ParamError. Like a Submit it is repeated only if it surely was not carried out; if that is not known, the
// error is ErrAmbiguous, and a list with the name as Keyword tells.
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

// GetLiveTranscodeTemplate returns a template. An empty templateID is a *ParamError. A template that the
// service does not know is ErrNotFound, as far as can be told: what the service answers then is not
// documented.
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

// ListLiveTranscodeTemplates returns one page of the templates that match req; a nil req matches all. Pages
// shift while templates come and go: AllLiveTranscodeTemplates copes with that. A field that is invalid
// is a *ParamError.
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

// UpdateLiveTranscodeTemplate changes a template; its kind cannot be changed. A field that is missing or
// invalid is a *ParamError.
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

// DeleteLiveTranscodeTemplate deletes a template. What that does to jobs that use it is not documented. An empty
// templateID is a [*ParamError]. The operation is idempotent: if it is refused or not found after an earlier attempt of
// the same call whose outcome is unknown, the template is read once: if it is gone, the call is a success, with the
// RequestID of that read.
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
