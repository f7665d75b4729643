-- Why a figure of crime_summary is refused, for each month and area; null where it is not (R-T-03, R-T-06).

-- How many months back each question looks. Every month it needs must be covered, and all must be of one series. A
-- year to date starts in April (R-T-01).
{% set questions = {
    'comparison': 'back in (0, 12)',
    'year_to_date': 'back < financial_month_number',
    'year_to_date_comparison': 'mod(back, 12) < financial_month_number',
    'rolling_12': 'back < 12',
    'rolling_12_comparison': 'back < 24',
} %}

with covered as (
    select * from {{ ref('int_crime__covered_area') }}
),

months as (
    select * from {{ ref('dim_month') }}
),

breaks as (
    select * from {{ ref('dim_series_break') }}
),

months_back as (
    select
        this_month.month,
        this_month.financial_month_number,
        earlier_month.month as needed_month,
        {{ dbt.datediff('earlier_month.month', 'this_month.month', 'month') }} as back
    from months as this_month
    inner join months as earlier_month
        on
            this_month.month >= earlier_month.month
            and {{ add_months('this_month.month', -24) }} < earlier_month.month
),

needs as (
    {%- for question, condition in questions.items() %}
    select
        month,
        needed_month,
        '{{ question }}' as question
    from months_back
    where {{ condition }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

answered as (
    select
        covered.month,
        covered.area_code,
        covered.return_code,
        covered.scheme,
        needs.question,
        min(needs.needed_month) as first_needed,
        count(*) as months_needed,
        count(*) - count(found.month) as months_missing,
        min(case when found.month is null then needs.needed_month end) as first_missing,
        max(case when found.month is null then needs.needed_month end) as last_missing,
        min(case when found.return_code <> covered.return_code then found.return_code end) as other_return
    from covered
    inner join needs
        on covered.month = needs.month
    left join covered as found
        on
            needs.needed_month = found.month
            and covered.area_code = found.area_code
    group by covered.month, covered.area_code, covered.return_code, covered.scheme, needs.question
),

breaks_between as (
    select
        answered.month,
        answered.area_code,
        answered.question,
        {{ dbt.listagg('breaks.reason', "' '", 'order by breaks.breaks_on, breaks.reason') }} as reasons
    from answered
    inner join breaks
        on
            answered.return_code = breaks.applies_to
            and answered.area_code = coalesce(breaks.area_code, answered.area_code)
            and answered.scheme = coalesce(breaks.scheme, answered.scheme)
            and answered.first_needed < breaks.breaks_on
            and answered.month >= breaks.breaks_on
    group by answered.month, answered.area_code, answered.question
),

reasons as (
    select
        answered.month,
        answered.area_code,
        answered.question,
        case
            when answered.months_missing = 1
                then first_missing.month_name || ' is not covered for this area.'
            when answered.months_missing > 1
                then cast(answered.months_missing as {{ dbt.type_string() }}) || ' of the ' || cast(answered.months_needed as {{ dbt.type_string() }})
                    || ' months needed are not covered for this area, between ' || first_missing.month_name
                    || ' and ' || last_missing.month_name || '.'
        end as of_missing_months,
        'Another return, ' || answered.other_return || ', speaks for part of the time.' as of_other_return,
        'A series break lies between: ' || breaks_between.reasons as of_breaks
    from answered
    left join breaks_between
        on
            answered.month = breaks_between.month
            and answered.area_code = breaks_between.area_code
            and answered.question = breaks_between.question
    left join months as first_missing
        on answered.first_missing = first_missing.month
    left join months as last_missing
        on answered.last_missing = last_missing.month
),

refusals as (
    select
        month,
        area_code,
        question,
        nullif(concat_ws(' ', of_missing_months, of_other_return, of_breaks), '') as reason
    from reasons
)

select
    month,
    area_code,
    {%- for question in questions %}
    max(case when question = '{{ question }}' then reason end) as {{ question }}_refused_reason
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from refusals
group by month, area_code
