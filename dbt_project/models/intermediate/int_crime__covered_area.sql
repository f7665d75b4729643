-- Where crime_summary may speak: the months that are covered, and the areas that the delivery in force prints anywhere.
with in_force as (
    select * from {{ ref('fct_coverage') }}
    where table_name = 'recorded_crime' and is_in_force
),

returns as (
    select * from {{ ref('return_precedence') }}
    where table_name = 'recorded_crime'
),

-- Several returns may speak of one month: the one that comes first in the order of precedence is taken.
ranked as (
    select
        in_force.*,
        rank() over (partition by in_force.slice_period order by returns.precedence) as precedence_rank
    from in_force
    inner join returns
        on in_force.return_code = returns.return_code
),

printed_areas as (
    select distinct
        delivery_id,
        area_code
    from {{ ref('stg_returns__recorded_crime') }}
)

select
    ranked.slice_period as month,
    printed_areas.area_code,
    ranked.return_code,
    ranked.scheme,
    ranked.as_at_on
from ranked
inner join printed_areas
    on ranked.delivery_id = printed_areas.delivery_id
where ranked.precedence_rank = 1
