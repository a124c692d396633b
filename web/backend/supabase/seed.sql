-- What every installation begins with: the flags of the implementation guide, the five models with their prices, and
-- prices to compare with. Adds what is missing and changes nothing, so it can be run again. All of it counts for every
-- company until a company has its own.
-- Figures: requirements, "Pre-Configured Models" and "Cost Comparison"; the same as models/prices.json.

insert into tierwise.flags (name, enabled, visible)
select v.name, v.enabled, true
from (values
  ('useRealAI', true), ('useOpenAI', true), ('useMockAI', false), ('useHuggingFaceSpaces', false), ('useMultiTieredAI', true),
  ('useHFBaseModel', true), ('useHFCompanyModel', false), ('useHFAbstractionModel', false), ('useHFUserModel', false)
) v (name, enabled)
on conflict (company_id, name) do nothing;

insert into tierwise.settings (key, value) values ('defaultTier', '"base"') on conflict (company_id, key) do nothing;

insert into public.huggingface_models (model_id, display_name, task, price, price_unit, description)
select v.*
from (values
  ('meta-llama/Llama-3.2-3B-Instruct', 'Llama 3.2 3B', 'text-generation', 0.0001, '1k-tokens', 'Fast instruction-following'),
  ('mistralai/Mistral-7B-Instruct-v0.2', 'Mistral 7B', 'text-generation', 0.0002, '1k-tokens', 'High-quality reasoning'),
  ('sentence-transformers/all-MiniLM-L6-v2', 'MiniLM', 'feature-extraction', 0.00005, '1k-tokens', 'Fast text embeddings'),
  ('stabilityai/stable-diffusion-xl-base-1.0', 'Stable Diffusion XL', 'text-to-image', 0.005, 'image', 'High-quality images'),
  ('runwayml/stable-diffusion-v1-5', 'Stable Diffusion 1.5', 'text-to-image', 0.001, 'image', 'Economy option')
) v (model_id, display_name, task, price, price_unit, description)
where not exists (select from public.huggingface_models h where h.model_id = v.model_id and h.company_id is null);

insert into tierwise.prices (provider, model, input_per_1k, output_per_1k, per_image, source)
values
  ('router', 'meta-llama/Llama-3.2-3B-Instruct', 0.0001, 0.0001, null, 'Requirements, Pre-Configured Models'),
  ('router', 'mistralai/Mistral-7B-Instruct-v0.2', 0.0002, 0.0002, null, 'Requirements, Pre-Configured Models'),
  ('router', 'sentence-transformers/all-MiniLM-L6-v2', 0.00005, 0, null, 'Requirements, Pre-Configured Models'),
  ('router', 'stabilityai/stable-diffusion-xl-base-1.0', null, null, 0.005, 'Requirements, Pre-Configured Models'),
  ('router', 'runwayml/stable-diffusion-v1-5', null, null, 0.001, 'Requirements, Pre-Configured Models'),
  ('huggingface', 'meta-llama/Llama-3.2-3B-Instruct', 0.0001, 0.0001, null, 'Requirements, Pre-Configured Models'),
  ('huggingface', 'mistralai/Mistral-7B-Instruct-v0.2', 0.0002, 0.0002, null, 'Requirements, Pre-Configured Models'),
  ('huggingface', 'sentence-transformers/all-MiniLM-L6-v2', 0.00005, 0, null, 'Requirements, Pre-Configured Models'),
  ('huggingface', 'stabilityai/stable-diffusion-xl-base-1.0', null, null, 0.005, 'Requirements, Pre-Configured Models'),
  ('huggingface', 'runwayml/stable-diffusion-v1-5', null, null, 0.001, 'Requirements, Pre-Configured Models'),
  ('openai', 'gpt-4', 0.03, 0.03, null, 'Requirements, Cost Comparison'),
  -- Called by nobody here: for the comparison.
  ('lovable', 'gemini-flash', 0.001, 0.001, null, 'Requirements, Cost Comparison'),
  ('lovable', 'gemini-image', null, null, 0.01, 'Requirements, Cost Comparison'),
  ('mock', '*', 0, 0, 0, 'Nothing is called')
on conflict (company_id, provider, model, valid_from) do nothing;
