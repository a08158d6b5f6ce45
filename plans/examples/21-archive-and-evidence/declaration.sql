-- falsework: name=payments_cents author=ann switch=2026.12 contract=2027.01 archive=true
-- falsework: contract_no_old_session=true contract_no_dependent=true
-- falsework: contract_check='SELECT count(*) > 0 FROM public.payments'
ALTER TABLE payments ALTER COLUMN amount TYPE numeric(12, 2); -- falsework: accept=data_loss
